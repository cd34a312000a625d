"""The double as a process of its own, for benches: `python -m tests.doubles.zgw --folder F --latency 0.05 --calls 16`.

When it is ready, F/zgw.json has its addresses and credentials. GET `figures` there for what it holds, POST `restart`
to measure the busy share from the next call on. Calls are not checked against the OpenAPI files.
"""

import argparse
import asyncio
import json
import signal
from pathlib import Path

import uvloop
from tests.doubles.traffic import CONTROL, Pace
from tests.doubles.zgw.double import ZgwDouble
from tests.doubles.zgw.types import DOCUMENTTYPEN, ROLTYPEN, STATUSTYPEN, ZAAKTYPEN
from tests.doubles.zgw.world import RSIN, Quirks
from tests.servers import serving


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds of each call")
    parser.add_argument("--calls", type=int, help="calls that it works on at once")
    parser.add_argument("--all-rights", action="store_true")
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # a bench must not measure the double
        runner.run(_run(options))


async def _run(options: argparse.Namespace) -> None:
    contents = options.folder / "contents"
    contents.mkdir(parents=True, exist_ok=True)
    pace = Pace(options.latency, options.calls)
    double = ZgwDouble(quirks=Quirks(all_rights=options.all_rights), pace=pace, folder=contents, checked=False)
    double.traffic.keep_calls = False
    stop = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    async with serving(double.traffic) as port:
        double.listens_at(f"http://127.0.0.1:{port}")
        _write(options.folder / "zgw.json", double)
        await stop.wait()


def _write(path: Path, double: ZgwDouble) -> None:
    """All at once, so that whoever waits for the file reads it whole."""
    said = double.addresses | {
        "figures": f"{double.base}{CONTROL}figures",
        "restart": f"{double.base}{CONTROL}restart",
        "client_id": double.access.client_id,
        "secret": double.access.secret,
        "rsin": RSIN,
        "zaaktypen": ZAAKTYPEN,
        "documenttypen": DOCUMENTTYPEN,
        "roltypen": list(ROLTYPEN),
        "statustypen": STATUSTYPEN,
    }
    part = path.with_suffix(".part")
    part.write_text(json.dumps(said, indent=2))
    part.rename(path)


if __name__ == "__main__":
    main()
