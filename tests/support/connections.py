"""Connections of warm functions, dropped between tests: each test has an account of its own."""

from assetline import credentials
from assetline.aws import clients


def forget_aws() -> None:
    """Drop the cached secrets and the cached DynamoDB resource."""
    credentials.secrets.cache_clear()
    clients._dynamodb.cache_clear()
