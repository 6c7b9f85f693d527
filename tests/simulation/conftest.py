"""No logs and no metrics: a seed that breaks a promise shows its trace."""

import logging
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from assetline import observability


@pytest.fixture(autouse=True, scope="module")
def no_logs() -> Iterator[None]:
    quiet = SimpleNamespace(add_dimension=lambda **_: None, add_metric=lambda **_: None, flush_metrics=lambda: None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(observability, "_metrics", quiet)
        logging.disable(logging.CRITICAL)
        yield
        logging.disable(logging.NOTSET)
