"""`digikoppelaar serve` and `digikoppelaar migrate`: the long-running gateway, and its schema."""

import asyncio
import signal
from typing import Annotated

import typer
import uvloop

from digikoppelaar import wiring
from digikoppelaar.adapters.logs import configure
from digikoppelaar.cli import output
from digikoppelaar.cli.context import Json, configuration
from digikoppelaar.errors import ConfigError

SIGNALS = (signal.SIGINT, signal.SIGTERM)
STDIN = 0

UntilStdinEnds = Annotated[
    bool,
    typer.Option("--until-stdin-ends", hidden=True, help="Stop also when standard input ends: whoever held it died."),
]


def serve(
    role: Annotated[
        list[str] | None,
        typer.Option(help="endpoint, sender, worker, web or application; give it more than once; all without."),
    ] = None,
    json: Json = False,
    until_stdin_ends: UntilStdinEnds = False,
) -> None:
    """Run the gateway until Ctrl-C. Logs go to standard error as JSON; the addresses are told when it is ready."""
    from digikoppelaar import gateway  # heavy, and only this command needs it

    config = configuration()
    roles = role or list(gateway.ROLES)
    if unknown := set(roles) - set(gateway.ROLES):
        raise ConfigError(f"unknown role {', '.join(sorted(unknown))}; there are {', '.join(gateway.ROLES)}")
    configure(config.log_level)
    gateway.set_umask()

    def ready(ports: dict[str, int]) -> None:
        if json:
            output.print_json({"ready": True, "ports": ports})
        else:
            output.console.print("ready: " + ", ".join(f"{name} on port {port}" for name, port in ports.items()))
            if "web" in ports:
                output.console.print(f"pages: http://{config.web.host}:{ports['web']}/")

    async def until_signal() -> None:
        stop = stop_on_signal(until_stdin_ends=until_stdin_ends)
        await gateway.serve(config, roles, ready=ready, stop=stop)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(until_signal())


def migrate(json: Json = False) -> None:
    """Bring the schema of the database up to date. Doing it twice is harmless."""
    from digikoppelaar.adapters.postgres.migrate import migrate as apply  # alembic is heavy

    async def steps() -> list[str]:
        async with wiring.open_database(configuration()) as url:
            return await asyncio.to_thread(apply, url())

    applied = asyncio.run(steps())
    if json:
        output.print_json({"applied": applied})
    else:
        output.console.print("\n".join(f"applied {step}" for step in applied) or "Nothing to do.")


def stop_on_signal(*, until_stdin_ends: bool = False) -> asyncio.Event:
    """An event that Ctrl-C or SIGTERM sets, or the end of standard input when that is asked for."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, stop.set)
    if until_stdin_ends:
        loop.add_reader(STDIN, _stdin_ended, loop, stop)
    return stop


def _stdin_ended(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    loop.remove_reader(STDIN)
    stop.set()
