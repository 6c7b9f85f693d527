"""Client of the Vi API: sends requests, returns JSON, and translates refusals into the error tree.

Source: docs/contracts/vi-api.md, sections 1 and 7.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from typing import Any
from urllib.parse import quote

import httpx
import orjson

from assetline.credentials import ViCredentials, ViKey
from assetline.errors import (
    AnswerLost,
    KeyForbidden,
    KeyRefused,
    RateLimited,
    ViRefused,
    ViUnavailable,
    ViUnreachable,
)
from assetline.http.body_pace import BodyPace
from assetline.http.decompression import MAX_BODY_BYTES, BodyTooLarge, decompressed
from assetline.http.pooled_transport import ANSWER_SECONDS, KeptConnections, transport_to
from assetline.http.retry_after import retry_after
from assetline.http.unreachable import may_be_for_its_size, why_unreachable
from assetline.redaction import without_secrets

TIMEOUT = httpx.Timeout(30, connect=5, read=60)  # ours: the API needs a while to open a session of 5,000 assets
LONGEST_ANSWER = 75.0  # ours: seconds for a complete answer, so that a slow one ends
IDLE_SECONDS = 30.0  # ours: an older idle connection is not reused
REPEATS = 2  # ours: quick retries of safe requests; the machine retries the rest
PAUSE = 0.2  # ours: seconds before the first retry

_REFUSE_KEY = frozenset({401, 403})
_REPEATABLE = frozenset({"GET", "DELETE"})
_TOO_MUCH_OR_MALFORMED = frozenset({400, 413, 422})  # the official client treats 400 and 422 alike
_WITHIN = {ANSWER_SECONDS: LONGEST_ANSWER}
_OF_THE_BODY = frozenset({"content-encoding", "content-length", "transfer-encoding"})  # of the body as sent


class NotFound(Exception):  # noqa: N818 - an answer of Vi; the caller names the missing resource
    """Vi answered 404."""


class ViClient:
    """Sends requests to the Vi API at *origin*, and the key to that origin only. It is thread-safe."""

    def __init__(self, origin: str, key: ViKey, transport: httpx.BaseTransport | None = None) -> None:
        self._key = key
        self._origin = origin
        self._transport = transport or transport_to(httpx.URL(origin), IDLE_SECONDS)
        self._http = httpx.Client(
            base_url=origin,
            headers={"content-type": "application/json", "accept": "application/json", "accept-encoding": "gzip"},
            timeout=TIMEOUT,
            transport=self._transport,
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def dataset_path(self, dataset_id: str) -> str:
        """Return the path of a dataset; the id may have the prefix of its organisation."""
        organization = self._key.value().organization_id
        short = short_id(dataset_id, organization)
        return f"/workspaces/{organization}/datasets/{organization}_{quote(short, safe='')}"

    def organization_path(self) -> str:
        """Return the path of the organisation."""
        return f"/workspaces/{self._key.value().organization_id}"

    def send(self, method: str, path: str, *, params: Mapping[str, str] | None = None, body: Any = None) -> Any:
        """Send a request and return the JSON of its answer, None for an empty body.

        The client retries GET and DELETE, quickly and twice. It retries no request that changes something else.

        Raises:
            RateLimited: 429; `pause_seconds` is the pause that the answer requests.
            ViUnavailable: 5xx or 408, or a body that is not JSON.
            ViUnreachable: no answer; a request that must not be repeated was not sent.
            AnswerLost: the request was sent, must not be repeated, and may have been executed.
            KeyMissing, KeyRefused, KeyForbidden: Vi refuses the credentials, also after they were read again.
            NotFound: 404.
            ViRefused: any other answer that is not 2xx.
        """
        content = None if body is None else orjson.dumps(body)
        for left in reversed(range(REPEATS + 1) if method in _REPEATABLE else range(1)):
            try:
                return self._read(self._sent(method, path, params, content), method)
            except (ViUnavailable, ViUnreachable):
                if not left:
                    raise
                time.sleep(PAUSE * (REPEATS + 1 - left))
        raise AssertionError("the last attempt returns or raises")

    def ask(self, path: str, params: Mapping[str, str]) -> Callable[[], Any]:
        """Send a GET, at once if a connection is idle, and return a function that waits for the answer.

        The caller must call the returned function. It raises as `send` does. Nothing is retried.
        """
        request: httpx.Request | None = None
        with suppress(Exception):  # the same error occurs again, and is raised, while waiting for the answer
            headers = _headers(self._key.value())
            request = self._http.build_request("GET", path, params=params, headers=headers, extensions=_WITHIN)
            if isinstance(self._transport, KeptConnections):
                self._transport.send_ahead(request)
        return lambda: self.send("GET", path, params=params) if request is None else self._receive(request)

    def _receive(self, request: httpx.Request) -> Any:
        try:
            response = self._transport.handle_request(request)
            response.request = request
            with closing(response):
                response = _read_complete(response)
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise self._unreachable(error) from None
        except BodyTooLarge:
            raise _too_large("GET") from None
        if response.status_code in _REFUSE_KEY:
            # The key may have been corrected.
            return self.send("GET", request.url.path, params=dict(request.url.params))
        return self._read(response, "GET")

    def _sent(self, method: str, path: str, params: Mapping[str, str] | None, content: bytes | None) -> httpx.Response:
        credentials = self._key.value()
        try:
            response = self._send(method, path, params, content, credentials)
            if response.status_code in _REFUSE_KEY:
                fresh = self._key.value(fresh=True)  # the key may have been corrected
                if fresh != credentials:
                    response = self._send(method, path, params, content, fresh)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise self._unreachable(error) from None
        except (httpx.TransportError, httpx.DecodingError) as error:
            if method in _REPEATABLE:
                raise self._unreachable(error) from None
            raise AnswerLost(
                f"Vi's answer to {method} {_shown(path)} did not arrive ({type(error).__name__})."
            ) from None
        except BodyTooLarge:
            raise _too_large(method) from None
        return response

    def _send(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        content: bytes | None,
        credentials: ViCredentials,
    ) -> httpx.Response:
        headers = _headers(credentials)
        request = self._http.build_request(
            method, path, params=params, content=content, headers=headers, extensions=_WITHIN
        )
        with closing(self._http.send(request, stream=True)) as response:
            return _read_complete(response)

    def _unreachable(self, error: Exception) -> ViUnreachable:
        return ViUnreachable(
            f"{why_unreachable(error, httpx.URL(self._origin))} Check that the stack's parameter ViApiUrl "
            "names the right host and that the function can reach it.",
            smaller_may_help=may_be_for_its_size(error),
        )

    def _read(self, response: httpx.Response, method: str) -> Any:
        if response.is_success:
            if not response.content.strip():
                return None
            try:
                return orjson.loads(response.content)
            except orjson.JSONDecodeError:
                what = f"Vi answered {response.status_code} with a body that is not JSON."
                raise (ViUnavailable(what) if method in _REPEATABLE else AnswerLost(what)) from None
        raise self._refusal(response, method)

    def _refusal(self, response: httpx.Response, method: str) -> Exception:
        status, path = response.status_code, _shown(response.request.url.path)
        if status == httpx.codes.TOO_MANY_REQUESTS:
            return RateLimited("Vi requested a pause (429).", retry_after(response.headers))
        if status >= httpx.codes.INTERNAL_SERVER_ERROR or status == httpx.codes.REQUEST_TIMEOUT:
            what = f"Vi answered {status} on {method} {path}."
            # A gateway error does not show whether the server behind it executed the request.
            fault = ViUnavailable if method in _REPEATABLE else AnswerLost
            pause = retry_after(response.headers)
            return fault(what, pause, smaller_may_help=pause is None)
        if status == httpx.codes.UNAUTHORIZED:
            return KeyRefused(f"Vi refused the key (401): put a current one in the secret {self._key.arn}.")
        if status == httpx.codes.FORBIDDEN:
            return KeyForbidden(
                f"Vi does not let this key do {method} {path} (403): check the organisation in the secret "
                f"{self._key.arn}, and the permissions of the key."
            )
        if status == httpx.codes.NOT_FOUND:
            return NotFound(path)
        return ViRefused(
            f"Vi refused {method} {path} ({status}){_reason(response)}",
            smaller_may_help=status in _TOO_MUCH_OR_MALFORMED,
        )


def _headers(credentials: ViCredentials) -> dict[str, str]:
    return {
        "authorization": f"Bearer {credentials.secret_key}",
        "organization-id": credentials.organization_id,
    }


def _read_complete(response: httpx.Response) -> httpx.Response:
    """Return *response* with its complete body; raises as `decompressed`."""
    body = b"".join(decompressed(response, BodyPace(LONGEST_ANSWER)))
    headers = [(name, value) for name, value in response.headers.multi_items() if name not in _OF_THE_BODY]
    return httpx.Response(response.status_code, headers=headers, content=body, request=response.request)


def _too_large(method: str) -> ViRefused | AnswerLost:
    reason = f"Vi's answer exceeds {MAX_BODY_BYTES >> 20} MiB."
    return ViRefused(reason, smaller_may_help=True) if method in _REPEATABLE else AnswerLost(reason)


def short_id(dataset_id: str, organization_id: str) -> str:
    """Return a dataset's id without the prefix of its organisation (docs/contracts/vi-api.md, section 1.2)."""
    return dataset_id.removeprefix(f"{organization_id}_")


def _reason(response: httpx.Response) -> str:
    """Return Vi's reason for a refusal."""
    try:
        answer = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return "."
    reason = (answer.get("message") or answer.get("error")) if isinstance(answer, dict) else None
    if not isinstance(reason, str) or not reason.strip():
        return "."
    return f": {without_secrets(reason)}"


def _shown(path: str) -> str:
    return path.rpartition("/datasets/")[2] or path
