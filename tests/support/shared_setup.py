"""Setup that is slow and the same for all tests: made once a process.

- For each request, moto computes the URLs of all candidate services, and loads a module of S3 from disk again
  for that. They change with environment variables that no test sets.
- A client reads the certificates of all authorities when it is made. No test speaks TLS to a host of theirs.
- Each test has a session of its own, which reads the models of its services from disk again.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import httpx
from botocore import session
from moto.core.base_backend import BaseBackend

type Urls = dict[str, Callable[..., Any]]


def share_setup() -> None:
    """Let tests of this process share what is the same for all of them."""
    computed: Any = vars(BaseBackend)["urls"]
    kept: dict[type[BaseBackend], Urls] = {}

    def urls(backend: BaseBackend) -> Urls:
        if type(backend) not in kept:
            kept[type(backend)] = computed.fget(backend)
        return kept[type(backend)]

    BaseBackend.urls = property(urls)  # type: ignore[assignment,method-assign]
    httpx.create_ssl_context = cache(httpx.create_ssl_context)
    session.create_loader = cache(session.create_loader)
