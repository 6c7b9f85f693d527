// Evaluates JSONata expressions with the reference implementation, as Step Functions does.
//
// Standard input: one JSON object a line, {"expression", "states", "variables"}. Standard output: one object a line,
// {"result": …}, or {"error": …} for an expression that fails or whose result is undefined.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const jsonata = createRequire(process.argv[2])("jsonata");

async function evaluated({ expression, states, variables }) {
  try {
    const compiled = jsonata(expression);
    compiled.registerFunction("parse", (text) => JSON.parse(text));
    const result = await compiled.evaluate(undefined, { states, ...variables });
    return result === undefined ? { error: "undefined" } : { result };
  } catch (error) {
    return { error: error.code ?? String(error.message) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(await evaluated(JSON.parse(line))) + "\n");
}
