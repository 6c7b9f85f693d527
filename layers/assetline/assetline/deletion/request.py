"""The input of a deletion: a selection by ids, or a query with the expected count."""

import json
from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, Field, model_validator

from assetline.assets.selection import Selection
from assetline.execution_input import parse, without_parent, work_id


class DeletionRequest(Selection):
    """A deletion of *ids*, or of the assets that a filter or a query finds, if their number is `expect_count`.

    `where` is not allowed: Vi does not evaluate it, so Vi cannot delete by it.
    """

    expect_count: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _check_selection(self) -> Self:
        if self.where is not None:
            raise ValueError("Vi cannot delete by `where`: list the assets that it selects, and delete their `ids`")
        texts = [text for text in (self.filter, self.metadata_query, self.rule_query) if text is not None]
        if any(map(_is_blank, texts)):
            raise ValueError("an empty filter or query would find every asset")
        if self.ids is None and not texts:
            raise ValueError("the input has no `ids`, `filter`, `metadata_query` or `rule_query`")
        if self.ids is None and self.expect_count is None:
            raise ValueError("`expect_count` is missing: give the number of assets to delete")
        if self.ids is not None and self.expect_count is not None:
            raise ValueError("`expect_count` needs a filter or a query; it cannot be combined with `ids`")
        return self


class DeletionRef(BaseModel, frozen=True):
    """The reference of a deletion; its documents are in `bucket`, below `staging/delete/`."""

    deletion_id: str
    dataset_id: str
    bucket: str
    started_at: datetime


def deletion_requested(raw: Any) -> DeletionRequest:
    """Read the input of an execution; raises `InvalidInput`, which names the wrong keys."""
    return parse(DeletionRequest, without_parent(raw))


def deletion_ref(dataset_id: str, execution_arn: str, started_at: datetime, bucket: str) -> DeletionRef:
    """Return the reference of an execution's deletion; a repeat returns the same."""
    return DeletionRef(
        deletion_id=work_id(dataset_id, execution_arn, started_at),
        dataset_id=dataset_id,
        bucket=bucket,
        started_at=started_at,
    )


def _is_blank(text: str) -> bool:
    """Return whether *text* is blank, or an empty JSON value."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return not text.strip()
    return value is None or (isinstance(value, str | list | dict) and not value)
