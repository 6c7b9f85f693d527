"""The output of an execution that published a file."""

from pydantic import BaseModel


class ExportResult(BaseModel, frozen=True):
    """The output of the execution."""

    export_id: str
    feed: str
    bucket: str
    key: str
    manifest_key: str
    rows: int
    pages: int
    bytes: int
    turns: int
    complete: bool
