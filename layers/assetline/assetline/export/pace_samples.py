"""The pace of a turn over time, in a bounded number of samples: `assetline report` draws it from the log."""

from dataclasses import dataclass, field

MOST_SAMPLES = 120  # ours: a log line of some 4 kB
FIRST_INTERVAL_SECONDS = 0.1


@dataclass
class PaceSamples:
    """Samples of `[time, rows, pages, slowest page]`, in seconds since 1970 and seconds, each of one interval or more.

    `rows` and `pages` are totals of the export. If there are too many samples, every second one is dropped and the
    interval is doubled; the slowest page of the two remains.
    """

    interval_seconds: float = FIRST_INTERVAL_SECONDS
    _samples: list[list[float]] = field(default_factory=list)

    def note(self, at: float, *, rows: int, pages: int, page_seconds: float) -> None:
        """Count a page that arrived at *at*."""
        last = self._samples[-1] if self._samples else None
        previous = self._samples[-2][0] if len(self._samples) > 1 else None
        if last is not None and previous is not None and last[0] - previous < self.interval_seconds:
            self._samples[-1] = [round(at, 1), rows, pages, max(last[3], round(page_seconds, 3))]
            return
        self._samples.append([round(at, 1), rows, pages, round(page_seconds, 3)])
        if len(self._samples) > MOST_SAMPLES:
            self._halve()

    def _halve(self) -> None:
        pairs = zip(self._samples[::2], self._samples[1::2], strict=False)
        kept = [[*later[:3], max(earlier[3], later[3])] for earlier, later in pairs]
        odd = [self._samples[-1]] if len(self._samples) % 2 else []
        self._samples = kept + odd
        self.interval_seconds *= 2

    def as_list(self) -> list[list[float]]:
        """Return the samples, in order of time."""
        return [list(sample) for sample in self._samples]
