"""Bulk deletions: Vi deletes the assets that a filter finds, in a session (docs/contracts/vi-api.md, section 3.7)."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from assetline.errors import AnswerLost, DatasetUnknown, SessionUnknown, ViUnavailable
from assetline.redaction import without_secrets
from assetline.vi.asset_query import AssetQuery
from assetline.vi.client import NotFound, ViClient

PAGE_SIZE = 100
LISTED_PAGES = 20  # ours

type Progress = Literal["running", "finished", "failed"]

_TEXTS = ("filter", "metadataQuery", "ruleQuery")


@dataclass(frozen=True, slots=True)
class BulkDeletion:
    """A session as Vi returns it; `query` is None if Vi does not return it."""

    session_id: str
    progress: Progress
    failure: str
    query: Mapping[str, Any] | None

    def is_of(self, query: AssetQuery) -> bool:
        """Return whether the session deletes the assets that *query* finds."""
        return self.query == _normal(_spec(query))


class BulkDeletions:
    """The bulk deletions of a dataset."""

    def __init__(self, client: ViClient, dataset_id: str) -> None:
        self._client = client
        self._dataset_id = dataset_id

    def start(self, query: AssetQuery) -> BulkDeletion:
        """Start to delete the assets that *query* finds. It must not be empty: Vi reads an empty query as all assets.

        Raises:
            AnswerLost: Vi may have started; the caller must look for the session before it starts another.
            DatasetUnknown: Vi has no such dataset.
            Permanent, Retryable: as `ViClient.send`.
        """
        if not any((query.filter, query.metadata_query, query.rule_query)):
            raise ValueError("a bulk deletion without a filter would delete every asset")
        try:
            return decoded(self._client.send("POST", self._path(), body={"spec": _spec(query)}))
        except NotFound:
            raise self._unknown_dataset() from None
        except ViUnavailable as error:  # Vi answered 2xx, so it may have started
            raise AnswerLost(str(error)) from None

    def get(self, session_id: str) -> BulkDeletion:
        """Return the state of a session; raises `SessionUnknown` if there is none, and as `ViClient.send`."""
        try:
            return decoded(self._client.send("GET", f"{self._path()}/{quote(session_id, safe='')}"))
        except NotFound:
            raise SessionUnknown(f"Vi has no bulk deletion {session_id!r}: it may have expired.") from None

    def listed(self) -> list[BulkDeletion] | None:
        """Return the sessions that Vi lists, None if the list exceeds `LISTED_PAGES`.

        Raises:
            DatasetUnknown: Vi does not list them.
            And as `ViClient.send`.
        """
        found: list[BulkDeletion] = []
        params = {"s": str(PAGE_SIZE)}
        for _ in range(LISTED_PAGES):
            try:
                page = self._client.send("GET", self._path(), params=params)
            except NotFound:
                raise self._unknown_dataset() from None
            items = page.get("items") if isinstance(page, dict) else None
            if not isinstance(items, list):
                raise ViUnavailable("Vi answered 200 without `items`, a list of bulk deletions.")
            found += map(decoded, items)
            token = page.get("nextPage")
            if not token:
                return found
            params["p"] = str(token)
        return None

    def _path(self) -> str:
        return f"{self._client.dataset_path(self._dataset_id)}/deleteManyAssetsSessions"

    def _unknown_dataset(self) -> DatasetUnknown:
        return DatasetUnknown(f"Vi has no dataset {self._dataset_id!r}.")


def decoded(answer: Any) -> BulkDeletion:
    """Parse a session leniently: only the id is required. Raise `ViUnavailable` without one."""
    session_id = answer.get("deleteManyAssetsSessionId") if isinstance(answer, dict) else None
    if not isinstance(session_id, str) or not session_id:
        raise ViUnavailable("Vi answered without a bulk deletion session.")
    status, spec = answer.get("status"), answer.get("spec")
    listed = status.get("conditions") if isinstance(status, dict) else None
    conditions = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    progress, failure = _progress(conditions)
    query = _normal(spec) if isinstance(spec, dict) else None
    return BulkDeletion(session_id, progress, failure, query or None)


def _spec(query: AssetQuery) -> dict[str, Any]:
    return {
        "filter": query.filter,
        "metadataQuery": query.metadata_query,
        "ruleQuery": query.rule_query,
        "strictQuery": query.strict_query or None,
    }


def _normal(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the query of a session without its empty values. A filter may be an object, or its text."""
    found = {name: spec[name] for name in _TEXTS if spec.get(name)}
    text = found.get("filter")
    if isinstance(text, str) and text.lstrip().startswith("{"):
        with suppress(ValueError, RecursionError):
            found["filter"] = json.loads(text)
    return found | ({"strictQuery": True} if spec.get("strictQuery") is True and found else {})


def _progress(conditions: Sequence[Mapping[str, Any]]) -> tuple[Progress, str]:
    """Return the progress of a session and the reason of a failure, if Vi gives one.

    The official client waits until every condition is reached. A condition that has only started does not end the wait.
    """
    for condition in conditions:
        if condition.get("status") == "FailedReach":
            words = [condition.get(name) for name in ("reason", "message")]
            texts = [without_secrets(word) for word in words if isinstance(word, str) and word]
            return "failed", ": ".join(texts)
    reached = all(condition.get("status") == "Reached" for condition in conditions)
    ends = any(condition.get("condition") != "Started" for condition in conditions)
    return ("finished" if reached and ends else "running"), ""
