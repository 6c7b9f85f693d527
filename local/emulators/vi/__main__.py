"""`python -m local.emulators.vi`: the emulated Vi API as a program, for the local stack and for benchmarks."""

import signal
from contextlib import closing
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from pydantic import ValidationError

from local.emulators.server import UvicornServer
from local.emulators.sockets import LOOPBACK, listening, url_of
from local.emulators.vi.app import emulator
from local.emulators.vi.scenario import ViScenario
from local.emulators.vi.stage import ViStage


def serve(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 0,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = LOOPBACK,
    scenario: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="JSON file with a scenario.")
    ] = None,
) -> None:
    """Serve an emulated Datature Vi API until SIGTERM or Ctrl+C.

    The program prints one line with its address when it is ready. To replace the scenario while it runs, PUT one to
    /_emulator/scenario; ?keep=y keeps the data. GET /_emulator/requests returns the requests received.
    """
    # uvicorn shuts down on these signals and then raises them again, for the previous handlers.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    try:
        stage = ViStage(ViScenario() if scenario is None else ViScenario.model_validate_json(scenario.read_bytes()))
    except ValidationError as error:
        raise typer.BadParameter(str(error)) from error
    with closing(stage):
        try:
            listener = listening(host, port)
        except OSError as error:
            raise typer.BadParameter(f"cannot listen on {host} port {port}: {error.strerror}") from error
        UvicornServer(emulator(stage), lambda: typer.echo(f"vi emulator ready on {url_of(listener)}")).run([listener])


def _end(*_: object) -> NoReturn:
    raise SystemExit(0)


if __name__ == "__main__":
    typer.run(serve)
