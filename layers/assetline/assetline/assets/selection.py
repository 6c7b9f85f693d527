"""A selection of assets: the query for Vi, and the conditions on its answer."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from assetline.assets.conditions import Where
from assetline.vi.asset_query import AssetQuery

ID = r"^[a-zA-Z0-9_-]{1,255}$"  # Vi: docs/contracts/vi-api.md, section 1.2


class Selection(BaseModel):
    """A selection of assets, or all: those of *ids*, or those that Vi finds, if they meet `where`.

    `filter`, `metadata_query`, `rule_query` and `strict_query` are passed to Vi unchanged.

    Source: docs/contracts/vi-api.md, section 2.1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    dataset_id: str = Field(pattern=ID)
    filter: str | None = Field(default=None, min_length=1)
    metadata_query: str | None = Field(default=None, min_length=1)
    rule_query: str | None = Field(default=None, min_length=1)
    strict_query: bool = False
    ids: tuple[Annotated[str, Field(pattern=ID)], ...] | None = Field(default=None, min_length=1, strict=False)
    where: Where | None = None

    @model_validator(mode="after")
    def _ids_are_named_or_found(self) -> Self:
        if self.ids is not None and self.wire_params():
            raise ValueError("`ids` cannot be combined with a filter or a query")
        return self

    @property
    def query(self) -> AssetQuery:
        """The query that Vi evaluates."""
        return AssetQuery(self.filter, self.metadata_query, self.rule_query, self.strict_query)

    def wire_params(self) -> dict[str, str]:
        """Return the query in Vi's notation: a flag is `y` or absent."""
        return self.query.params()
