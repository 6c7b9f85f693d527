"""Logs and metrics: one logger, one set of metrics, the same names in every function."""

import os

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger(service="assetline")
_metrics = Metrics(namespace="Assetline", service="assetline")


def count(feed: str | None, **counts: int) -> None:
    """Publish counts of one feed, or of all feeds, as metrics in the log. CloudWatch reads them from there.

    Each metric has the dimension `stack`, so that alarms ignore other stacks of the account.
    """
    _metrics.add_dimension(name="stack", value=os.environ["STACK_NAME"])
    if feed is not None:
        _metrics.add_dimension(name="feed", value=feed)
    for name, value in counts.items():
        _metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
    _metrics.flush_metrics()


def measure_seconds(**durations: float) -> None:
    """Publish durations in seconds as metrics in the log, with the dimension `stack`."""
    _metrics.add_dimension(name="stack", value=os.environ["STACK_NAME"])
    for name, value in durations.items():
        _metrics.add_metric(name=name, unit=MetricUnit.Seconds, value=value)
    _metrics.flush_metrics()
