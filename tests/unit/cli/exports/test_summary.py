"""The figures of an export that ended."""

from assetline_cli.executions import ExportOutput
from assetline_cli.exports.summary import ExportSummary


def any_result(*, rows: int, pages: int, feed: str = "assets") -> ExportOutput:
    return ExportOutput(
        export_id="assets_20250320_143045",
        feed=feed,
        bucket="the-exports",
        key="exports/assets/assets_20250320_143045.csv",
        manifest_key="exports/assets/assets_20250320_143045.manifest.json",
        rows=rows,
        pages=pages,
        bytes=1,
        turns=1,
        complete=True,
    )


class TestSummary:
    def test_the_figures_of_the_script(self) -> None:
        assert ExportSummary(any_result(rows=10_000, pages=400), seconds=180.45).lines() == [
            "Total Assets: 10,000",
            "Total Pages: 400",
            "Total Time: 180.45s (3.01 minutes)",
            "Average Page Time: 0.451s (opening and closing included)",
            "Throughput: 2.22 pages/sec | 55.4 assets/sec",
            "Output saved to: s3://the-exports/exports/assets/assets_20250320_143045.csv",
            "Manifest: s3://the-exports/exports/assets/assets_20250320_143045.manifest.json",
        ]

    def test_rows_have_the_name_of_their_feed(self) -> None:
        first, *rest = ExportSummary(any_result(rows=7, pages=1, feed="inspection_items"), seconds=2).lines()
        assert first == "Total Inspection Items: 7"
        assert "Throughput: 0.50 pages/sec | 3.5 inspection items/sec" in rest

    def test_requested_changes_are_reported(self) -> None:
        result = any_result(rows=7, pages=1)
        written = result.model_copy(update={"changes_key": "exports/assets/a.changes.csv"})
        saved_to = "Changes saved to: s3://the-exports/exports/assets/a.changes.csv"
        assert ExportSummary(written, seconds=2).lines()[-2:] == ["Changes: see the file", saved_to]
        counted = written.model_copy(update={"added": 3, "changed": 1200, "removed": 0})
        assert ExportSummary(counted, seconds=2).lines()[-2] == "Changes: 3 added, 1,200 changed, 0 removed"
        failed = result.model_copy(update={"changes_error": "KeyMissing"})
        assert ExportSummary(failed, seconds=2).lines()[-1] == "Changes: could not be written (KeyMissing)"

    def test_nothing_is_divided_by_nothing(self) -> None:
        lines = ExportSummary(any_result(rows=0, pages=0), seconds=0).lines()
        assert not [line for line in lines if line.startswith(("Average", "Throughput"))]
