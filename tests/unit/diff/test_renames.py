"""Custom fields that were renamed between two exports are the same columns, by their field ids."""

from io import BytesIO
from pathlib import Path

from assetline.diff.diff_files import write_changes
from assetline.diff.renames import FileColumn, renamed_columns

ID, LOAD, WEIGHT = (
    FileColumn(header="id"),
    FileColumn(header="Load", field_id="field-1"),
    FileColumn(header="Weight", field_id="field-1"),
)


def test_a_renamed_field_has_its_new_header() -> None:
    assert renamed_columns([ID, LOAD], [ID, WEIGHT]) == {"Load": "Weight"}


def test_fields_that_swap_their_names_keep_their_values() -> None:
    old = [FileColumn(header="A", field_id="1"), FileColumn(header="B", field_id="2")]
    new = [FileColumn(header="B", field_id="1"), FileColumn(header="A", field_id="2")]
    assert renamed_columns(old, new) == {"A": "B", "B": "A"}


def test_a_removed_field_is_not_the_one_that_takes_its_name() -> None:
    removed = FileColumn(header="Weight", field_id="field-2")
    assert renamed_columns([LOAD, removed], [WEIGHT]) == {"Load": "Weight", "Weight": "Weight [field-2]"}


def test_columns_without_a_field_are_not_renamed() -> None:
    assert renamed_columns([ID, LOAD], [ID, LOAD]) == {}


def test_a_renamed_column_is_compared_with_itself(tmp_path: Path) -> None:
    out = BytesIO()
    summary = write_changes(
        BytesIO(b"id,Load\r\n1,5\r\n2,6\r\n"),
        BytesIO(b"id,Weight\r\n1,5\r\n2,7\r\n"),
        out,
        keys=("id",),
        format_old="csv",
        format_new="csv",
        scratch=tmp_path,
        renamed=renamed_columns([ID, LOAD], [ID, WEIGHT]),
    )
    assert (summary.changed, summary.unchanged) == (1, 1)
    assert summary.columns_renamed == (("Load", "Weight"),)
    assert out.getvalue().splitlines() == [b"change,id,changed_columns,Weight", b'changed,2,"[""Weight""]",7']
