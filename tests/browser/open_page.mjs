// Open a page in headless Chromium at several screens, and print what each shows as a JSON array.
// Usage: node open_page.mjs PAGE.html FOLDER; a screenshot of each screen is written to FOLDER.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(`${process.env.CHROMIUM_PACKAGES}/package.json`);
const { default: chromium } = await import(pathToFileURL(require.resolve('@sparticuz/chromium')).href);
const { default: puppeteer } = await import(pathToFileURL(require.resolve('puppeteer-core')).href);

const SCREENS = [
  { name: 'laptop', width: 1280, height: 900, scheme: 'light' },
  { name: 'phone', width: 390, height: 844, scheme: 'light' },
  { name: 'dark', width: 1280, height: 900, scheme: 'dark' },
];
const [file, folder] = process.argv.slice(2);
const browser = await puppeteer.launch({
  executablePath: await chromium.executablePath(),
  args: await puppeteer.defaultArgs({ args: chromium.args, headless: 'shell' }),
  headless: 'shell',
});
const seen = [];
try {
  for (const { name, width, height, scheme } of SCREENS) {
    const page = await browser.newPage();
    const requests = [];
    const problems = [];
    page.on('request', (request) => requests.push(request.url()));
    page.on('console', (message) => problems.push(message.text()));
    page.on('pageerror', (error) => problems.push(String(error)));
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
    await page.setViewport({ width, height });
    await page.goto(pathToFileURL(file).href);
    const facts = await page.evaluate(() => ({
      title: document.title,
      text: document.body.innerText,
      contentWidth: document.documentElement.scrollWidth,
      charts: document.querySelectorAll('svg.chart').length,
      faults: document.querySelectorAll('svg .fault').length,
      pauses: document.querySelectorAll('svg .pause').length,
      scripts: document.scripts.length,
      background: getComputedStyle(document.body).backgroundColor,
      colour: getComputedStyle(document.body).color,
    }));
    await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
    await page.close();
    seen.push({ name, width, requests, problems, ...facts });
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(seen));
