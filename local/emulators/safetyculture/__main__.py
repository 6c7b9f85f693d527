"""`python -m local.emulators.safetyculture`: the emulated API as a program, for the local stack and for benchmarks."""

import json
import signal
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from pydantic import ValidationError

from local.emulators.safetyculture.app import emulator, in_words
from local.emulators.safetyculture.scenario import LOCAL_TOKEN, FeedScenario
from local.emulators.safetyculture.stage import FeedStage
from local.emulators.server import UvicornServer
from local.emulators.sockets import LOOPBACK, listening, url_of

_DEFAULT = FeedScenario()


def serve(  # noqa: PLR0913 - the options of a program
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 0,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = LOOPBACK,
    rows: Annotated[
        int | None, typer.Option(min=0, show_default=str(_DEFAULT.rows), help="Number of assets in the feed.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(show_default=str(_DEFAULT.seed), help="Seed of the assets: equal seeds give equal rows."),
    ] = None,
    page_size: Annotated[
        int | None,
        typer.Option(
            min=1,
            show_default=str(_DEFAULT.default_page_size),
            help="Rows in a page if a request has no `limit`. The largest accepted `limit` is "
            f"{_DEFAULT.max_page_size}, or this value if it is larger.",
        ),
    ] = None,
    latency_seconds: Annotated[
        float | None, typer.Option(min=0, show_default="0", help="Time to the first byte of each page.")
    ] = None,
    token: Annotated[str | None, typer.Option(show_default=LOCAL_TOKEN, help="Token that the API accepts.")] = None,
    scenario: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="JSON file with a scenario; the other options override it."),
    ] = None,
) -> None:
    """Serve an emulated SafetyCulture API until SIGTERM or Ctrl+C.

    The program prints one line with its address when it is ready. To replace the scenario while it runs, PUT one to
    /_emulator/scenario. GET /_emulator/requests returns the requests received.
    """
    options = {
        "rows": rows,
        "seed": seed,
        "default_page_size": page_size,
        "latency_seconds": latency_seconds,
        "token": token,
    }
    stage = FeedStage(scenario_of(scenario, {name: value for name, value in options.items() if value is not None}))
    try:
        listener = listening(host, port)
    except OSError as error:
        raise typer.BadParameter(f"cannot listen on {host} port {port}: {error.strerror}") from error
    # uvicorn shuts down on these signals and then raises them again, for the previous handlers.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    UvicornServer(emulator(stage), lambda: typer.echo(f"safetyculture emulator ready on {url_of(listener)}")).run(
        [listener]
    )


def scenario_of(file: Path | None, options: dict[str, Any]) -> FeedScenario:
    """Return the scenario in *file*, or the default one, with *options* over it; raises `typer.BadParameter`."""
    try:
        settings = {} if file is None else json.loads(file.read_bytes())
        if not isinstance(settings, dict):
            raise typer.BadParameter(f"{file} is not a JSON object")
        settings |= options
        page_size = options.get("default_page_size", 0)
        if page_size > settings.get("max_page_size", _DEFAULT.max_page_size):
            settings["max_page_size"] = page_size
        return FeedScenario.model_validate(settings)
    except json.JSONDecodeError as error:
        raise typer.BadParameter(f"{file} is not JSON: {error}") from error
    except ValidationError as error:
        raise typer.BadParameter(in_words(error)) from error


def _end(*_: object) -> NoReturn:
    raise SystemExit(0)


if __name__ == "__main__":
    typer.run(serve)
