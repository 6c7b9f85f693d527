"""Every way an export can fail, in two trees whose leaf names the state machines speak.

    Retryable                 later, the same call may succeed
    ├── FeedUnavailable       the feed answered with a fault of its own, or with half a page
    ├── FeedUnreachable       no answer: no such host, refused, reset, timed out
    └── RateLimited           the feed asked for a pause (429)
    Permanent                 the same call fails for ever; somebody must act
    ├── InvalidInput          the execution's input is not one we take
    ├── UnknownFeed           no feed of that name is in the catalogue
    ├── NotResumable          the export to resume is not one that failed
    ├── TokenMissing          the secret holds no token
    ├── TokenRefused          the feed does not take the token (401)
    ├── FeedForbidden         the token may not read this feed (403, 404)
    ├── FeedRefused           the feed does not take the request (any other 4xx)
    ├── ForeignCursor         `next_page` points to another origin
    ├── RepeatedCursor        `next_page` leads back to a page already read
    ├── NamesExhausted        a hundred exports of one feed started in one second
    ├── PartsMismatch         S3 does not hold the bytes that were rendered
    ├── PartsExhausted        the export does not fit in the parts one upload may have
    ├── UploadGone            S3 no longer knows the multipart upload
    ├── StagedGone            S3 no longer holds what waits between turns
    └── TurnsExhausted        raised by the machine: an execution's history holds no more turns

Three more leaves of Permanent stand with what raises them, in `changes/errors.py`: FileMalformed, KeyMissing and
FormatUnknown. The machine names none of them: where changes cannot be written, the export is complete without.

Lambda reports the bare class name and a machine matches names only, never base classes: `Retry` lists leaves.
Messages say what happened, where, and what to do; they hold no token, no cursor and no record.
"""


class Retryable(Exception):  # noqa: N818 - the names are the vocabulary of the state machines
    """Later, the same call may succeed; `pause_seconds` is how long the other side asked us to wait, if it did.

    `smaller_may_help` says that the answer may have failed for its size: fewer records might get through.
    """

    def __init__(self, message: str, pause_seconds: float | None = None, *, smaller_may_help: bool = False) -> None:
        super().__init__(message)
        self.pause_seconds = pause_seconds
        self.smaller_may_help = smaller_may_help


class FeedUnavailable(Retryable):
    """The feed answered 5xx, or a 200 whose body is not a whole page."""


class FeedUnreachable(Retryable):
    """The feed's host gave no answer."""


class RateLimited(Retryable):
    """The feed answered 429."""


class Permanent(Exception):  # noqa: N818
    """The same call fails for ever; somebody must act."""


class InvalidInput(Permanent):
    """The execution's input is not one we take."""


class UnknownFeed(Permanent):
    """No feed of that name is in the catalogue."""


class NotResumable(Permanent):
    """The export to resume is not one that failed."""


class TokenMissing(Permanent):
    """The secret holds no token."""


class TokenRefused(Permanent):
    """The feed answered 401."""


class FeedForbidden(Permanent):
    """The feed answered 403 or 404: no permission, or a module that is not licensed."""


class FeedRefused(Permanent):
    """The feed answered another 4xx; `smaller_may_help` says that it may be the page size it does not take."""

    def __init__(self, message: str, *, smaller_may_help: bool = False) -> None:
        super().__init__(message)
        self.smaller_may_help = smaller_may_help


class ForeignCursor(Permanent):
    """`next_page` is not an address on the configured origin."""


class RepeatedCursor(Permanent):
    """`next_page` leads back to a page that was read before: following it would never end."""


class NamesExhausted(Permanent):
    """A hundred exports of one feed started in one second."""


class PartsMismatch(Permanent):
    """S3 does not hold the bytes that were rendered."""


class PartsExhausted(Permanent):
    """The export does not fit in the parts one upload may have."""


class UploadGone(Permanent):
    """S3 no longer knows the multipart upload: it expired or was aborted."""


class StagedGone(Permanent):
    """S3 no longer holds what waits between turns: it expired."""


class TurnsExhausted(Permanent):
    """Named by the machine only: an execution's history holds no more turns."""
