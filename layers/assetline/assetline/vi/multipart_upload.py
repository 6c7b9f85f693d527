"""Uploads files of 1 GiB and more in parts (docs/contracts/vi-api.md, section 5)."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol
from urllib.parse import quote

from assetline.errors import AnswerLost, Permanent, Retryable, ViUnavailable
from assetline.vi.client import NotFound, ViClient
from assetline.vi.file_upload import Uploader
from assetline.vi.ingestion_sessions import SOURCE
from assetline.vi.signed_url import SignedUrl, SignedUrlExpired

THRESHOLD = 1024**3  # Vi: the threshold of the official client
PARTS_AT_ONCE = 4
TRIES_OF_A_PART = 3  # ours: the number of URLs requested, each after the previous one expired
MOST_PARTS = 10_000  # ours: a larger number is an error

type OpenRange = Callable[[int, int], Iterator[bytes]]
"""Yields the bytes of the file from one offset up to, and not including, another."""


class LargeFile(Protocol):
    """The properties of the file."""

    @property
    def asset_filename(self) -> str:
        """Its name in Vi."""

    @property
    def mime(self) -> str:
        """Its type."""

    @property
    def size(self) -> int:
        """Its bytes."""


def upload_multipart(  # noqa: PLR0913, PLR0917 - connections, target, source
    client: ViClient, uploader: Uploader, dataset_id: str, ingestion_id: str, file: LargeFile, open_range: OpenRange
) -> None:
    """Upload a file in as many parts as Vi requests; a failure leaves no parts behind.

    Raises:
        SignedUrlExpired, SignedUrlRefused: as `Uploader.put`.
        ViUnavailable, ViUnreachable, AnswerLost, ViRefused: as `Uploader.put` and `ViClient.send`.
    """
    path = f"{client.dataset_path(dataset_id)}/{SOURCE}/multipartUploads"
    spec = {
        "ingestionId": ingestion_id,
        "filename": file.asset_filename,
        "contentType": file.mime,
        "sizeBytes": file.size,
    }
    made = _sent(client, "POST", path, {"spec": spec})
    upload_id, parts = _id_and_parts(made)
    path = f"{path}/{quote(upload_id, safe='')}"
    try:
        with ThreadPoolExecutor(PARTS_AT_ONCE) as threads:
            ranges = part_ranges(file.size, parts)

            def put(number: int) -> None:
                _put_part(client, uploader, f"{path}/parts/{number}", open_range, ranges[number - 1])

            for done in [threads.submit(put, number) for number in range(1, parts + 1)]:
                done.result()
        _sent(client, "POST", f"{path}/completion", None)
    except BaseException:
        _abort(client, path)
        raise


def part_ranges(size: int, parts: int) -> list[tuple[int, int]]:
    """Return the start and end of each part: equal parts, the last one with the remainder."""
    each = size // parts
    return [(number * each, (number + 1) * each if number < parts - 1 else size) for number in range(parts)]


def _put_part(client: ViClient, uploader: Uploader, path: str, open_range: OpenRange, span: tuple[int, int]) -> None:
    start, end = span
    for left in reversed(range(TRIES_OF_A_PART)):
        upload, names = _place(_sent(client, "POST", path, {}))
        try:
            answered = uploader.put(upload, open_range(start, end), end - start)
            break
        except SignedUrlExpired:
            if not left:
                raise
    completion = {"responseHeaders": {name: answered.get(name.lower(), "") for name in names}}
    _sent(client, "POST", f"{path}/completion", completion)


def _place(answer: Any) -> tuple[SignedUrl, list[str]]:
    """Return the target of a part, and the names of the headers that Vi requests from the answer."""
    url = answer.get("url") if isinstance(answer, dict) else None
    if not isinstance(url, str) or not url:
        raise ViUnavailable("Vi sent no address for a part.")
    headers, requested = answer.get("headers"), answer.get("responseHeaders")
    sent = (
        {name: value for name, value in headers.items() if isinstance(value, str)} if isinstance(headers, dict) else {}
    )
    names = [name for name in requested if isinstance(name, str)] if isinstance(requested, list) else []
    return SignedUrl(url=url, headers=sent), names


def _sent(client: ViClient, method: str, path: str, body: Any) -> Any:
    try:
        return client.send(method, path, body=body)
    except NotFound:
        raise SignedUrlExpired("The multipart upload no longer exists in Vi.") from None


def _id_and_parts(made: Any) -> tuple[str, int]:
    upload_id = made.get("multipartUploadId") if isinstance(made, dict) else None
    status = made.get("status") if isinstance(made, dict) else None
    parts = status.get("partCount") if isinstance(status, dict) else None
    if not isinstance(upload_id, str) or not isinstance(parts, int) or not 1 <= parts <= MOST_PARTS:
        raise ViUnavailable("Vi sent no valid number of parts for the file.")
    return upload_id, parts


def _abort(client: ViClient, path: str) -> None:
    try:
        client.send("DELETE", path)
    except (NotFound, AnswerLost, Permanent, Retryable):
        return  # Vi lets the upload expire
