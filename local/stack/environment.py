"""The environments that programs of the local stack run in."""

import os
from collections.abc import Mapping

REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
LOOPBACK = "127.0.0.1,localhost"

# The variables that a server needs from the caller. All others are left out: functions inherit MiniStack's, and
# an AWS_PROFILE or a PYTHONPATH of the caller's would make them differ from AWS.
INHERITED = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TZ"),
    *("ASSETLINE_RECORD_JSONATA", "ASSETLINE_COUNT_WRITES"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"),
)


def bare(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment of a server, without a proxy for loopback."""
    inherited = {name: environ[name] for name in INHERITED if name in environ}
    no_proxy = ",".join(filter(None, [LOOPBACK, environ.get("NO_PROXY", environ.get("no_proxy"))]))
    return {
        **inherited,
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
        # Nothing of the caller's own AWS account.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def of_caller(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the caller's environment for a program at the caller's terminal, without AWS settings."""
    return {name: value for name, value in environ.items() if not name.startswith("AWS_")} | bare(environ)


def aws(endpoint_url: str) -> dict[str, str]:
    """Return the variables that make an AWS client use the stack at *endpoint_url* only."""
    return {"AWS_ENDPOINT_URL": endpoint_url, **CREDENTIALS, "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}
