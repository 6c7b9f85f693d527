"""The URLs that moto answers, computed once for each service.

For each request moto computes the URLs of all services that may be meant anew, and loads a module of S3 from disk again
for that. They change with environment variables that no test sets. Kept, a call of a test takes a third of the time.
"""

from collections.abc import Callable
from typing import Any

from moto.core.base_backend import BaseBackend

type Urls = dict[str, Callable[..., Any]]


def keep_urls() -> None:
    """Let moto compute the URLs of a service once."""
    computed: Any = vars(BaseBackend)["urls"]
    kept: dict[type[BaseBackend], Urls] = {}

    def urls(backend: BaseBackend) -> Urls:
        if type(backend) not in kept:
            kept[type(backend)] = computed.fget(backend)
        return kept[type(backend)]

    BaseBackend.urls = property(urls)  # type: ignore[assignment,method-assign]
