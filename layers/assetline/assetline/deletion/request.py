"""The input of a deletion: which assets, by their ids or by what finds them and how many that is."""

import json
from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, Field, model_validator

from assetline.assets.selection import Selection
from assetline.execution_input import parse, without_parent, work_id


class DeletionRequest(Selection):
    """A deletion: of *ids*, or of what a filter or a query finds, if that is `expect_count` assets.

    `where` is none of it: it is not Vi that looks at it, so Vi could not delete by it.
    """

    expect_count: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _says_what_is_deleted(self) -> Self:
        if self.where is not None:
            raise ValueError("Vi cannot delete by `where`: list what it leaves, and delete their `ids`")
        texts = [text for text in (self.filter, self.metadata_query, self.rule_query) if text is not None]
        if any(map(_says_nothing, texts)):
            raise ValueError("a filter or a query that is empty would find every asset")
        if self.ids is None and not texts:
            raise ValueError("it names no `ids`, and no `filter`, `metadata_query` or `rule_query`")
        if self.ids is None and self.expect_count is None:
            raise ValueError("`expect_count` is missing: how many assets are to be found and deleted")
        if self.ids is not None and self.expect_count is not None:
            raise ValueError("`expect_count` goes with a filter or a query, not with `ids`")
        return self


class DeletionRef(BaseModel, frozen=True):
    """The reference of a deletion; its documents are in `bucket`, below `staging/delete/`."""

    deletion_id: str
    dataset_id: str
    bucket: str
    started_at: datetime


def deletion_requested(raw: Any) -> DeletionRequest:
    """Read the input of an execution; raises `InvalidInput`, naming what is wrong."""
    return parse(DeletionRequest, without_parent(raw))


def deletion_ref(dataset_id: str, execution_arn: str, started_at: datetime, bucket: str) -> DeletionRef:
    """Return how the deletion of an execution is called; a repeat is called the same."""
    return DeletionRef(
        deletion_id=work_id(dataset_id, execution_arn, started_at),
        dataset_id=dataset_id,
        bucket=bucket,
        started_at=started_at,
    )


def _says_nothing(text: str) -> bool:
    """Say whether *text* is blank, or JSON that holds nothing."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return not text.strip()
    return value is None or (isinstance(value, str | list | dict) and not value)
