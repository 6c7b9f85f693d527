"""A signed URL that Vi sends for an upload or a download."""

from pydantic import BaseModel, Field

from assetline.errors import Retryable

_MILLISECONDS = 10**12  # ours: the unit of `expiry` is not verified; less than this in milliseconds would be long past


class SignedUrlExpired(Retryable):
    """The object store refused a signed URL. The caller requests another one; no state machine handles this error."""


class SignedUrl(BaseModel, frozen=True):
    """The URL of a file for a download or an upload; it is a secret until `expiry`.

    `expiry` is in epoch milliseconds (docs/contracts/vi-api.md, section 3). The request must send `headers`.
    """

    url: str = Field(repr=False)
    expiry: int | None = None
    headers: dict[str, str] = Field(default_factory=dict, repr=False)

    def expires_by(self, at: float) -> bool:
        """Return whether the URL has expired at *at* (epoch seconds); without a usable `expiry` it has not."""
        seconds = expiry_seconds(self.expiry)
        return seconds is not None and seconds <= at


def expiry_seconds(expiry: float | None) -> float | None:
    """Return *expiry* in epoch seconds, None if it cannot be in milliseconds."""
    return None if expiry is None or expiry < _MILLISECONDS else expiry / 1000
