"""Signed URLs: each allows one method on one path until it expires, and cannot be forged."""

import hashlib
import hmac
import secrets
import time
from urllib.parse import urlencode

OBJECTS = "/_objects/"


class Signer:
    """Signs paths of one emulator."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)

    def signed(self, method: str, path: str, seconds: float) -> tuple[str, int]:
        """Return path and query that allow *method* on *path*, and until when, in epoch milliseconds."""
        expiry = int((time.time() + seconds) * 1000)
        return f"{path}?{urlencode({'expires': expiry, 'signature': self._signature(method, path, expiry)})}", expiry

    def allows(self, method: str, path: str, expires: str, signature: str) -> bool:
        """Return whether a signature is valid for the method and the path, and has not expired."""
        if not expires.isdecimal() or int(expires) < time.time() * 1000:
            return False
        return hmac.compare_digest(self._signature(method, path, int(expires)), signature)

    def _signature(self, method: str, path: str, expiry: int) -> str:
        return hmac.new(self._secret, f"{method} {path} {expiry}".encode(), hashlib.sha256).hexdigest()
