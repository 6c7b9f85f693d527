"""Connections of the functions of the ingestion: created on first use, kept while a function is warm."""

import time
from functools import cache
from typing import TYPE_CHECKING

import boto3

from assetline.aws.clients import events_client, machines_client, queues_client, s3_client, table
from assetline.config import IngestSettings, QueueSettings, RunSettings
from assetline.credentials import ViKey
from assetline.ingest.asset_register import AssetRegister
from assetline.ingest.fast_dynamodb_updates import ItemUpdates
from assetline.ingest.fast_s3_reads import SmallObjects
from assetline.ingest.gathering import Gathering
from assetline.ingest.ingestion_runs import Runs
from assetline.ingest.inspection import DropLimits
from assetline.ingest.ledger import Ledger
from assetline.ingest.message_retries import MessageRetries
from assetline.ingest.object_tags import ObjectTagger
from assetline.ingest.open_session import SessionOpener
from assetline.ingest.record_drop import Recorder
from assetline.ingest.reject_drops import DropRejecter
from assetline.ingest.run_ownership import RunOwnership
from assetline.ingest.session_permits import Permits
from assetline.ingest.sessions_table import SessionsTable
from assetline.ingest.settle_session import Settler
from assetline.ingest.upload_assets import SliceUpload
from assetline.vi.client import ViClient
from assetline.vi.file_upload import Uploader

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.credentials import ReadOnlyCredentials
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient


@cache
def settings() -> IngestSettings:
    """Return the settings of this function."""
    return IngestSettings.from_env()


@cache
def run_settings() -> RunSettings:
    """Return the settings of a function that starts runs."""
    return RunSettings.from_env()


@cache
def vi_client() -> ViClient:
    """Return the client of the Vi API."""
    return ViClient(settings().vi_api_url, ViKey(settings().vi_secret_arn))


@cache
def ledger() -> Ledger:
    """Return the ledger of drops."""
    drops = table(settings().drops_table)
    return Ledger(drops, settings().drop_retention_days, fast=_item_updates(drops).update)


@cache
def asset_register() -> AssetRegister:
    """Return the register of asset names."""
    return AssetRegister(ledger())


@cache
def sessions_table() -> SessionsTable:
    """Return the table of ingestion sessions."""
    return SessionsTable(table(settings().sessions_table))


@cache
def run_ownership() -> RunOwnership:
    """Return the table of dataset owners."""
    return RunOwnership(table(settings().sessions_table))


@cache
def permits() -> Permits:
    """Return the permits for ingestion sessions."""
    return Permits(
        table(settings().sessions_table),
        settings().sessions_per_window,
        settings().session_window_seconds,
        time.time,
    )


@cache
def s3() -> "S3Client":
    """Return the client of S3."""
    return s3_client()


@cache
def object_tagger() -> ObjectTagger:
    """Return the writer of outcomes to objects."""
    return ObjectTagger(s3(), settings().tag_objects)


@cache
def events() -> "EventBridgeClient":
    """Return the client of EventBridge."""
    return events_client()


@cache
def machines() -> "SFNClient":
    """Return the client of Step Functions."""
    return machines_client()


@cache
def runs() -> Runs:
    """Return the starter of runs."""
    return Runs(machines(), run_settings().ingest_state_machine_arn, settings().gather_seconds)


@cache
def recorder() -> Recorder:
    """Return the recorder of drops."""
    limits = DropLimits(settings().max_image_bytes, settings().default_dataset_id)
    return Recorder(s3(), ledger(), asset_register(), sessions_table(), runs(), object_tagger(), limits)


@cache
def message_retries() -> MessageRetries:
    """Return the scheduler of retries of failed messages."""
    return MessageRetries(queues_client(), QueueSettings.from_env().drop_queue_url)


@cache
def opener() -> SessionOpener:
    """Return the opener of sessions."""
    return SessionOpener(
        vi_client(),
        ledger(),
        asset_register(),
        sessions_table(),
        run_ownership(),
        permits(),
        Gathering(settings().gather_seconds, settings().longest_gather_seconds),
        s3(),
        DropRejecter(ledger(), object_tagger(), events()),
        settings().export_bucket,
        settings().failure_mode,
        settings().on_asset_overwritten,
    )


@cache
def settler() -> Settler:
    """Return the settler of sessions."""
    return Settler(
        vi_client(),
        ledger(),
        asset_register(),
        sessions_table(),
        run_ownership(),
        s3(),
        object_tagger(),
        events(),
    )


@cache
def uploader() -> Uploader:
    """Return the uploader to signed URLs."""
    return Uploader(settings().vi_api_url)


@cache
def small_objects() -> SmallObjects:
    """Return the reader of small objects."""
    meta = s3().meta
    return SmallObjects(meta.endpoint_url, meta.region_name, _credentials())


def _item_updates(drops: "Table") -> ItemUpdates:
    meta = drops.meta.client.meta
    return ItemUpdates(meta.endpoint_url, meta.region_name, _credentials())


def _credentials() -> "Callable[[], ReadOnlyCredentials | None]":
    credentials = boto3.Session().get_credentials()
    return lambda: None if credentials is None else credentials.get_frozen_credentials()


def slice_upload() -> SliceUpload:
    """Return the uploader of slices."""
    return SliceUpload(vi_client(), uploader(), ledger(), sessions_table(), s3(), small_objects().read)
