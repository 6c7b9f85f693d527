"""Every way the work can fail, in two trees whose leaf names the state machines speak.

    Retryable                 later, the same call may succeed
    ├── FeedUnavailable       the feed answered with a fault of its own, or with half a page
    ├── FeedUnreachable       no answer: no such host, refused, reset, timed out
    ├── RateLimited           the feed, or Vi, asked for a pause (429)
    ├── ViUnavailable         Vi answered with a fault of its own
    ├── ViUnreachable         no answer of Vi
    ├── AnswerLost            Vi may have done what it was asked, and its answer did not come
    ├── UploadDamaged         where a file was put, other bytes are stored than were sent
    ├── EventRefused          EventBridge did not take an event
    └── AwsUnavailable        AWS throttled, failed or did not answer
    Permanent                 the same call fails for ever; somebody must act
    ├── InvalidInput          the execution's input is not one we take
    ├── UnknownFeed           no feed of that name is in the catalogue
    ├── NotResumable          the export to resume is not one that failed
    ├── ExportLost            the export is another execution's by now, or was stopped
    ├── TokenMissing          the secret holds no token
    ├── TokenRefused          the feed does not take the token (401)
    ├── FeedForbidden         the token may not read this feed (403, 404)
    ├── FeedMoved             the feed sends us to another address (3xx)
    ├── FeedRefused           the feed does not take the request (any other 4xx)
    ├── PageTooLarge          a page of the smallest size is more than is read of one
    ├── CursorExpired         the feed no longer takes the cursor of a later page (400, 404, 410)
    ├── ForeignCursor         `next_page` is no address on the configured origin
    ├── RepeatedCursor        the feed leads in a circle
    ├── NamesExhausted        a hundred exports of one feed started in one second
    ├── PartsMismatch         S3 does not hold the bytes that were rendered
    ├── PartsExhausted        the export does not fit in the parts one upload may have
    ├── StagedGone            S3 no longer holds what waits between turns
    ├── SecretDeleted         the secret is marked for deletion
    ├── KeyMissing            the secret holds no Vi key and organisation
    ├── KeyRefused            Vi does not take the key (401)
    ├── KeyForbidden          the key may not do this (403)
    ├── DatasetUnknown        Vi has no dataset of that id
    ├── AssetUnknown          the dataset has no asset of that id
    ├── SessionUnknown        the dataset has no session of that id
    ├── ViRefused             Vi does not take the request (any other 4xx)
    ├── SignedUrlRefused      Vi gives an address or a header for a file that we do not use
    ├── CountMismatch         a filter finds another number of assets than was to be deleted
    ├── PlaceRefused          S3 does not let us put what is downloaded where it is to be
    └── TurnsExhausted        raised by the machine: an execution's history holds no more turns

Four more leaves of Permanent stand beside the code that raises them. `diff/errors.py` has FileMalformed, KeyMissing and
FormatUnknown: without a list of changes, the export is complete all the same. `aws/failures.py` has AwsRefused: AWS
denied a call, or what it names does not exist.

Lambda reports the bare class name and a machine matches names only, never base classes: `Retry` lists leaves.
Messages say what happened, where, and what to do; they hold no token, no cursor and no record.
"""

from typing import Self


class Retryable(Exception):  # noqa: N818 - the names are the vocabulary of the state machines
    """Later, the same call may succeed; `pause_seconds` is how long the other side asked us to wait, if it did.

    `smaller_may_help` says that the answer may have failed for its size: fewer records might get through.
    """

    def __init__(self, message: str, pause_seconds: float | None = None, *, smaller_may_help: bool = False) -> None:
        super().__init__(message)
        self.pause_seconds = pause_seconds
        self.smaller_may_help = smaller_may_help


class FeedUnavailable(Retryable):
    """The feed answered 5xx, 408, 425, or a 200 whose body is not a whole page."""


class FeedUnreachable(Retryable):
    """The feed's host gave no answer."""


class RateLimited(Retryable):
    """The feed, or Vi, answered 429."""


class ViUnavailable(Retryable):
    """Vi answered 5xx, 408, or a 200 that is not what it should be."""


class ViUnreachable(Retryable):
    """Vi's host gave no answer."""


class AnswerLost(Retryable):
    """A request that must not be repeated blindly was sent, and no answer of its own came back."""


class UploadDamaged(Retryable):
    """The object store answered 2xx, and that it stored other bytes than were sent."""


class EventRefused(Retryable):
    """EventBridge answered 200, and that it did not take the event."""


class AwsUnavailable(Retryable):
    """An AWS service throttled, failed (5xx) or gave no answer, and the client's own repeats did not help."""


class Permanent(Exception):  # noqa: N818
    """The same call fails for ever; somebody must act.

    `smaller_may_help` says that fewer records might get through, `expired_status` is that of an answer which
    may mean that a place in a feed is no longer one.
    """

    smaller_may_help = False
    expired_status: int | None = None


class InvalidInput(Permanent):
    """The execution's input is not one we take."""


class UnknownFeed(Permanent):
    """No feed of that name is in the catalogue."""


class NotResumable(Permanent):
    """The export to resume is not one that failed."""


class ExportLost(Permanent):
    """The export belongs to another execution by now, or was stopped: this one may not write."""


class TokenMissing(Permanent):
    """The secret holds no token."""


class TokenRefused(Permanent):
    """The feed answered 401, or the token holds a character that cannot be sent."""


class FeedForbidden(Permanent):
    """The feed answered 403 or 404: no permission, or a module that is not licensed.

    `expired_status` is the status, if it may mean that the cursor of a later page has expired.
    """

    def __init__(self, message: str, *, expired_status: int | None = None) -> None:
        super().__init__(message)
        self.expired_status = expired_status


class FeedMoved(Permanent):
    """The feed answered 3xx: redirects are not followed, since the token goes to one origin."""


class FeedRefused(Permanent):
    """The feed answered another 4xx; `smaller_may_help` says that it may be the page size it does not take.

    `expired_status` is as in `FeedForbidden`.
    """

    def __init__(self, message: str, *, smaller_may_help: bool = False, expired_status: int | None = None) -> None:
        super().__init__(message)
        self.smaller_may_help = smaller_may_help
        self.expired_status = expired_status


class PageTooLarge(Permanent):
    """A page has more bytes, or more values, than are read of one; smaller ones may do."""

    smaller_may_help = True

    @classmethod
    def beyond(cls, bytes_: int) -> Self:
        """Return the error of a page that has more than *bytes_*."""
        return cls(f"A page of the feed has more than {bytes_ >> 20} MiB: give a smaller `page_size`.")


class CursorExpired(Permanent):
    """The feed refused a page that is not the first, whose address it had given itself."""


class ForeignCursor(Permanent):
    """`next_page` is not an address on the configured origin, or too long for one."""


class RepeatedCursor(Permanent):
    """`next_page` leads back to a page that was read before, or to no new record for long: it would never end."""


class NamesExhausted(Permanent):
    """A hundred exports of one feed started in one second."""


class PartsMismatch(Permanent):
    """S3 does not hold the bytes that were rendered."""


class PartsExhausted(Permanent):
    """The export does not fit in the parts one upload may have."""


class StagedGone(Permanent):
    """S3 no longer holds what waits between turns: it expired."""


class SecretDeleted(Permanent):
    """The secret is marked for deletion: Secrets Manager gives out no value until it is restored."""


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
    """Vi answered another 4xx; `smaller_may_help` says that it may be how much was asked, or a part of it."""

    def __init__(self, message: str, *, smaller_may_help: bool = False) -> None:
        super().__init__(message)
        self.smaller_may_help = smaller_may_help


class SignedUrlRefused(Permanent):
    """A signed URL is less than https, leads inside a private network, or is none; or a header of it cannot be sent."""


class CountMismatch(Permanent):
    """A filter finds more or fewer assets than the input says: none is deleted."""


class PlaceRefused(Permanent):
    """The bucket does not exist, or the function may not put objects there."""


class TurnsExhausted(Permanent):
    """Named by the machine only: an execution's history holds no more turns."""
