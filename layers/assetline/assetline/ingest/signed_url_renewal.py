"""New signed URLs for files whose URLs have expired."""

from threading import Lock

from assetline.errors import KeyForbidden, KeyMissing, KeyRefused, Permanent, Retryable
from assetline.ingest.staging import SessionRef
from assetline.observability import logger
from assetline.vi.client import ViClient
from assetline.vi.ingestion_sessions import Sessions
from assetline.vi.signed_url import SignedUrl


class SignedUrlRenewal:
    """Renews the signed URLs of one session; one request to Vi serves all files."""

    def __init__(self, client: ViClient, session: SessionRef) -> None:
        self._client = client
        self._session = session
        self._listed: dict[str, SignedUrl] | None = None
        self._lock = Lock()

    def renewed(self, asset_filename: str, expired: SignedUrl) -> SignedUrl | None:
        """Return the new signed URL of a file; None if Vi lists no other one.

        Raises:
            KeyRefused, KeyForbidden, KeyMissing: Vi refuses the key.
        """
        with self._lock:
            if self._listed is None or self._listed.get(asset_filename) == expired:
                try:
                    self._listed = self._list()
                except (KeyMissing, KeyRefused, KeyForbidden):
                    raise
                except (Permanent, Retryable):
                    return None
        fresh = self._listed.get(asset_filename)
        return None if fresh is None or fresh.url == expired.url else fresh

    def _list(self) -> dict[str, SignedUrl]:
        session = Sessions(self._client, self._session.dataset_id).get(self._session.session_id)
        urls = {asset.filename: asset.upload for asset in session.assets if asset.upload is not None}
        logger.info("upload_urls_renewed", session_id=session.session_id, urls=len(urls))
        return urls
