"""The settings of a stack."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from assetline.config import ORIGIN
from local.errors import LocalStackFailed
from local.paths import STACKS

DEFAULT_PORT = 4566
DEFAULT_STACK_NAME = "assetline"
DEFAULT_ROWS = 2_000
STACK_NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]{0,127}")  # CloudFormation's


@dataclass(frozen=True)
class StackSettings:
    """The settings of a stack.

    *wait_scale* multiplies every wait of the state machines, pauses before retries included, and the pauses of failed
    messages: 0 for tests.
    *safetyculture_url* and *vi_url* name servers to use in place of the emulators; that of SafetyCulture serves *rows*
    assets and takes *latency_seconds* a page. *parameters* override the defaults of the template. Stacks of
    several names on one port share its servers, as stacks of one account do. With *watches_code*, an edit of a
    function or of the layer takes effect at the next event. With *forks_functions*, their environments start in a
    tenth of the time, as forks, and an edit takes no effect; their memory is then not that of AWS.
    """

    port: int = DEFAULT_PORT
    state_dir: Path | None = None
    safetyculture_url: str | None = None
    vi_url: str | None = None
    wait_scale: float = 1
    rows: int = DEFAULT_ROWS
    latency_seconds: float = 0
    parameters: Mapping[str, str] = field(default_factory=dict)
    stack_name: str = DEFAULT_STACK_NAME
    watches_code: bool = True
    forks_functions: bool = False

    def __post_init__(self) -> None:
        """Refuse invalid settings before anything is started."""
        if not STACK_NAME.fullmatch(self.stack_name):
            raise LocalStackFailed(
                f"Invalid stack name {self.stack_name!r}. Start with a letter, and use letters, digits and -."
            )
        for name, url in {"SAFETYCULTURE_URL": self.safetyculture_url, "VI_URL": self.vi_url}.items():
            if url and not re.fullmatch(ORIGIN, url):
                raise LocalStackFailed(
                    f"{name} is {url!r}: name an origin, such as http://127.0.0.1:8000. Any that is not loopback "
                    "begins with https://."
                )

    @property
    def folder(self) -> Path:
        """The folder of the stack's state: its record, its logs, its derived template."""
        return self.state_dir or STACKS / str(self.port)
