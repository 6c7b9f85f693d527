"""The errors of the work, in two trees. State machines refer to the names of the leaves.

    Retryable                 the same call may succeed later
    ├── FeedUnavailable       the feed answered with a server error, or with an incomplete page
    ├── FeedUnreachable       the feed did not answer: unknown host, refused, reset, timed out
    ├── RateLimited           the feed or Vi requested a pause (429)
    ├── ViUnavailable         Vi answered with a server error
    ├── ViUnreachable         Vi did not answer
    ├── AnswerLost            Vi may have executed the request, but its answer did not arrive
    ├── UploadDamaged         the object store holds other bytes than were sent
    ├── EventRefused          EventBridge did not accept an event
    └── AwsUnavailable        AWS throttled, failed or did not answer
    Permanent                 the same call always fails; a person must act
    ├── InvalidInput          the execution's input is not valid
    ├── UnknownFeed           the catalogue has no feed of that name
    ├── NotResumable          the export to resume is not one that failed
    ├── ExportLost            another execution owns the export now, or the export was stopped
    ├── TokenMissing          the secret holds no token
    ├── TokenRefused          the feed refuses the token (401)
    ├── FeedForbidden         the token may not read this feed (403, 404)
    ├── FeedMoved             the feed redirects to another address (3xx)
    ├── FeedRefused           the feed refuses the request (any other 4xx)
    ├── PageTooLarge          a page of the smallest size exceeds the limit of a page
    ├── CursorExpired         the feed refuses the cursor of a later page (400, 404, 410)
    ├── ForeignCursor         `next_page` is not an address on the configured origin
    ├── RepeatedCursor        the cursors of the feed form a circle
    ├── NamesExhausted        a hundred exports of one feed started in one second
    ├── PartsMismatch         S3 does not hold the bytes that were rendered
    ├── PartsExhausted        the export does not fit in the parts of one upload
    ├── StagedGone            S3 no longer holds the objects staged between turns
    ├── SecretDeleted         the secret is marked for deletion
    ├── KeyMissing            the secret does not hold a Vi key and an organisation
    ├── KeyRefused            Vi refuses the key (401)
    ├── KeyForbidden          the key may not do this (403)
    ├── DatasetUnknown        Vi has no dataset of that id
    ├── AssetUnknown          the dataset has no asset of that id
    ├── SessionUnknown        the dataset has no session of that id
    ├── ViRefused             Vi refuses the request (any other 4xx)
    ├── SignedUrlRefused      Vi sent an address or a header for a file that the client does not use
    ├── CountMismatch         a filter matches another number of assets than the input expects
    ├── PlaceRefused          S3 refuses to store downloaded files at the target
    └── TurnsExhausted        raised by the machine: the history of an execution has no room for another turn

Four more leaves of Permanent are defined next to the code that raises them. `diff/errors.py` has FileMalformed,
KeyMissing and FormatUnknown: an export completes even without a list of changes. `aws/failures.py` has AwsRefused: AWS
denied a call, or a resource that the call names does not exist.

Lambda reports the bare class name, and a machine matches names only, never base classes. So `Retry` lists leaves. A
message states the failure, its place, and the remedy. It holds no token, no cursor and no record.
"""

from typing import Self


class Retryable(Exception):  # noqa: N818 - the names are the vocabulary of the state machines
    """The same call may succeed later.

    `pause_seconds` is the pause that the other side requested, None without one. `smaller_may_help` is set if the size
    of the answer may be the cause: a request for fewer records might succeed.
    """

    def __init__(self, message: str, pause_seconds: float | None = None, *, smaller_may_help: bool = False) -> None:
        super().__init__(message)
        self.pause_seconds = pause_seconds
        self.smaller_may_help = smaller_may_help


class FeedUnavailable(Retryable):
    """The feed answered 5xx, 408, 425, or a 200 whose body is not a complete page."""


class FeedUnreachable(Retryable):
    """The host of the feed did not answer."""


class RateLimited(Retryable):
    """The feed or Vi answered 429."""


class ViUnavailable(Retryable):
    """Vi answered 5xx, 408, or a 200 with an unexpected body."""


class ViUnreachable(Retryable):
    """The host of Vi did not answer."""


class AnswerLost(Retryable):
    """A request that must not be repeated blindly was sent, and its answer did not arrive."""


class UploadDamaged(Retryable):
    """The object store answered 2xx, but it stored other bytes than were sent."""


class EventRefused(Retryable):
    """EventBridge answered 200, but it did not accept the event."""


class AwsUnavailable(Retryable):
    """An AWS service throttled, failed (5xx) or did not answer, and the retries of the client were used up."""


class Permanent(Exception):  # noqa: N818
    """The same call always fails; a person must act.

    `smaller_may_help` is set if a request for fewer records might succeed. `expired_status` is the status of an answer
    which may mean that a cursor has expired.
    """

    smaller_may_help = False
    expired_status: int | None = None


class InvalidInput(Permanent):
    """The execution's input is not valid."""


class UnknownFeed(Permanent):
    """The catalogue has no feed of that name."""


class NotResumable(Permanent):
    """The export to resume is not one that failed."""


class ExportLost(Permanent):
    """Another execution owns the export now, or the export was stopped. This execution must not write."""


class TokenMissing(Permanent):
    """The secret holds no token."""


class TokenRefused(Permanent):
    """The feed answered 401, or the token holds a character that cannot be sent."""


class FeedForbidden(Permanent):
    """The feed answered 403 or 404: no permission, or a module without a licence.

    `expired_status` is the status, if it may mean that the cursor of a later page has expired.
    """

    def __init__(self, message: str, *, expired_status: int | None = None) -> None:
        super().__init__(message)
        self.expired_status = expired_status


class FeedMoved(Permanent):
    """The feed answered 3xx. The client follows no redirects, because it sends the token to one origin only."""


class FeedRefused(Permanent):
    """The feed answered another 4xx.

    `smaller_may_help` is set if the feed may have refused the page size. `expired_status` is as in `FeedForbidden`.
    """

    def __init__(self, message: str, *, smaller_may_help: bool = False, expired_status: int | None = None) -> None:
        super().__init__(message)
        self.smaller_may_help = smaller_may_help
        self.expired_status = expired_status


class PageTooLarge(Permanent):
    """A page exceeds the limit of bytes or values; smaller pages may succeed."""

    smaller_may_help = True

    @classmethod
    def beyond(cls, bytes_: int) -> Self:
        """Return the error of a page that has more than *bytes_*."""
        return cls(f"A page of the feed has more than {bytes_ >> 20} MiB: give a smaller `page_size`.")


class CursorExpired(Permanent):
    """The feed refused a later page, although the feed itself had sent its address."""


class ForeignCursor(Permanent):
    """`next_page` is not an address on the configured origin, or it is too long."""


class RepeatedCursor(Permanent):
    """`next_page` leads back to an earlier page, or many pages had no new record: the export would never end."""


class NamesExhausted(Permanent):
    """A hundred exports of one feed started in one second."""


class PartsMismatch(Permanent):
    """S3 does not hold the bytes that were rendered."""


class PartsExhausted(Permanent):
    """The export does not fit in the parts of one upload."""


class StagedGone(Permanent):
    """S3 no longer holds the objects staged between turns: they expired."""


class SecretDeleted(Permanent):
    """The secret is marked for deletion. Secrets Manager returns no value until it is restored."""


class KeyMissing(Permanent):
    """The secret holds no Vi key, or no organisation."""


class KeyRefused(Permanent):
    """Vi answered 401, or the key holds a character that cannot be sent."""


class KeyForbidden(Permanent):
    """Vi answered 403."""


class DatasetUnknown(Permanent):
    """Vi answered 404 for a dataset."""


class AssetUnknown(Permanent):
    """Vi answered 404 for an asset."""


class SessionUnknown(Permanent):
    """Vi answered 404 for a session."""


class ViRefused(Permanent):
    """Vi answered another 4xx.

    `smaller_may_help` is set if Vi may have refused the size of the request, or a part of it.
    """

    def __init__(self, message: str, *, smaller_may_help: bool = False) -> None:
        super().__init__(message)
        self.smaller_may_help = smaller_may_help


class SignedUrlRefused(Permanent):
    """A signed URL is invalid, is not https, or leads into a private network; or one of its headers is invalid."""


class CountMismatch(Permanent):
    """A filter matches more or fewer assets than the input expects. No asset is deleted."""


class PlaceRefused(Permanent):
    """The bucket does not exist, or the function may not put objects there."""


class TurnsExhausted(Permanent):
    """Raised by the machine only: the history of an execution has no room for another turn."""
