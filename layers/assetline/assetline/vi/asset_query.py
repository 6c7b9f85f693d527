"""A query for assets (docs/contracts/vi-api.md, section 2.1)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AssetQuery:
    """A query for assets in Vi's own syntax; an empty one finds all assets."""

    filter: str | None = None
    metadata_query: str | None = None
    rule_query: str | None = None
    strict_query: bool = False

    def params(self) -> dict[str, str]:
        """Return the parameters of a list or a count; a flag is `y` or absent.

        Source: docs/contracts/vi-api.md, section 2.1.
        """
        params = {
            "filter": self.filter,
            "metadataQuery": self.metadata_query,
            "ruleQuery": self.rule_query,
            "strictQuery": "y" if self.strict_query else None,
        }
        return {name: value for name, value in params.items() if value is not None}


ALL = AssetQuery()
