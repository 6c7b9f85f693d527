"""Connections of the functions of the export: created on first use, kept while a function is warm."""

from functools import cache
from typing import TYPE_CHECKING

from assetline.aws.clients import events_client, machines_client, s3_client, table
from assetline.config import CloseSettings, Settings
from assetline.credentials import Token, ViKey
from assetline.export import page_sources as sources
from assetline.export.ended_execution import EndedExecution
from assetline.export.exports_table import ExportsTable
from assetline.export.request import AnyRequest
from assetline.safetyculture.client import FeedClient
from assetline.vi.client import ViClient

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient


@cache
def settings() -> Settings:
    """Return the settings of this function."""
    return Settings.from_env()


@cache
def close_settings() -> CloseSettings:
    """Return the settings of Close Export."""
    return CloseSettings.from_env()


@cache
def feed_client() -> FeedClient:
    """Return the client of the SafetyCulture API."""
    return FeedClient(settings().safetyculture_api_url, Token(settings().safetyculture_secret_arn))


@cache
def vi_client() -> ViClient:
    """Return the client of the Vi API."""
    return ViClient(settings().vi_api_url, ViKey(settings().vi_secret_arn))


def source_of(request: AnyRequest) -> sources.PageSource:
    """Return the source of the pages of a request; raises `UnknownFeed`."""
    return sources.source_of(request, feed_client, vi_client)


@cache
def exports_table() -> ExportsTable:
    """Return the exports table."""
    return ExportsTable(table(settings().exports_table))


@cache
def s3() -> "S3Client":
    """Return the client of S3."""
    return s3_client()


@cache
def events() -> "EventBridgeClient":
    """Return the client of EventBridge."""
    return events_client()


@cache
def machines() -> "SFNClient":
    """Return the client of Step Functions."""
    return machines_client()


def failure_of(execution_arn: str) -> tuple[str, str | None] | None:
    """Return the error's name and message of an execution that failed or timed out, None for any other."""
    ended = EndedExecution.described(machines(), execution_arn)
    if ended is None or ended.status == "ABORTED":
        return None
    return ended.error or ended.status, ended.message()
