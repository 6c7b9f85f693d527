from typing import Any

import pytest

from benchmarks.ingest import opened, uploaded_per_second

SESSION = "/v1/datasets/ds1/assetIngestionSessions"


def request(method: str, path: str, at: float, status: int = 200) -> dict[str, Any]:
    return {"method": method, "path": path, "at": at, "status": status}


REQUESTS = [
    request("GET", "/v1/datasets/ds1", 1.0),
    request("POST", SESSION, 10.0),
    request("PUT", "/upload/1", 11.0),
    request("PUT", "/upload/2", 11.5, 503),
    request("PUT", "/upload/2", 14.0),
    request("POST", f"{SESSION}/session-1:cancel", 15.0),
]


def test_the_rate_is_from_the_opening_of_the_session_to_the_last_put() -> None:
    assert uploaded_per_second(REQUESTS, 2) == 0.5
    with pytest.raises(RuntimeError, match="2 uploads of 3"):
        uploaded_per_second(REQUESTS, 3)


def test_a_session_is_opened_by_a_post_to_the_sessions() -> None:
    assert opened(REQUESTS) == 1
