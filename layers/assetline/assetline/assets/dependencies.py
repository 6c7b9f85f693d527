"""Connections of the functions of the dataset operations: created on first use, kept while a function is warm."""

from functools import cache
from typing import TYPE_CHECKING

from assetline.aws.clients import events_client, s3_client
from assetline.config import DatasetSettings
from assetline.credentials import ViKey
from assetline.vi.client import ViClient
from assetline.vi.file_download import Downloader

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client


@cache
def settings() -> DatasetSettings:
    """Return the settings of this function."""
    return DatasetSettings.from_env()


@cache
def vi_client() -> ViClient:
    """Return the client of the Vi API."""
    return ViClient(settings().vi_api_url, ViKey(settings().vi_secret_arn))


@cache
def downloader() -> Downloader:
    """Return the client that downloads files from signed URLs."""
    return Downloader(settings().vi_api_url)


@cache
def s3() -> "S3Client":
    """Return the client of S3."""
    return s3_client()


@cache
def events() -> "EventBridgeClient":
    """Return the client of EventBridge."""
    return events_client()
