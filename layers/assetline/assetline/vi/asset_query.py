"""Which assets Vi is to find (docs/contracts/vi-api.md, section 2.1)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AssetQuery:
    """Which assets Vi is to find, in its own words; without any, all of them."""

    filter: str | None = None
    metadata_query: str | None = None
    rule_query: str | None = None
    strict_query: bool = False

    def params(self) -> dict[str, str]:
        """Return it as the query of a list or a count: `y` or nothing (docs/contracts/vi-api.md, section 2.1)."""
        asked = {
            "filter": self.filter,
            "metadataQuery": self.metadata_query,
            "ruleQuery": self.rule_query,
            "strictQuery": "y" if self.strict_query else None,
        }
        return {name: value for name, value in asked.items() if value is not None}


ALL = AssetQuery()
