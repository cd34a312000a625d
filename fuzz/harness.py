"""How a target is fuzzed: seeds in, limits on time and memory, and which errors are answers instead of crashes.

A target is a function of bytes. It may raise PartnerError and its kind; every other error, more than one second of
processor time and more than 256 MiB of memory for one input are findings, which libFuzzer saves in `fuzz/findings`.
Seeds are made by our own code when a target starts; nothing that others wrote is in them.
"""

import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn

import atheris

with atheris.instrument_imports(include=["digikoppelaar"]):
    from digikoppelaar.errors import PartnerError

MAX_INPUT = 1024 * 1024
MAX_SECONDS = 1.0
LARGE = 64 * 1024
LONG = 600
"""A run of more seconds than this starts from large seeds too; in a short one they would only slow it down."""
MAX_MEMORY = 256 * 1024 * 1024
BASE_MEMORY = 256 * 1024 * 1024
"""What the interpreter, the instrumentation and the corpus may take beside the input under test."""
FINDINGS = Path(__file__).parent / "findings"
_PAGE = os.sysconf("SC_PAGE_SIZE")

Target = Callable[[bytes], None]


class TooMuch(Exception):
    """An input took more time or memory than it may."""


def fuzz(target: Target, seeds: Iterable[bytes], tokens: Iterable[bytes] = ()) -> NoReturn:
    """Fuzz for FUZZ_SECONDS (60). Exits with 0 when nothing was found. `tokens` are pieces that help to get on."""
    FINDINGS.mkdir(exist_ok=True)
    seconds = int(os.environ.get("FUZZ_SECONDS", "60"))
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        corpus, dictionary = Path(folder, "corpus"), Path(folder, "tokens")
        corpus.mkdir()
        for number, seed in enumerate(seeds):
            checked(target)(seed)  # a seed that is too heavy is a finding as well
            if len(seed) <= LARGE or seconds > LONG:
                (corpus / str(number)).write_bytes(seed)
        dictionary.write_text("".join(f'"{_escaped(token)}"\n' for token in tokens))
        atheris.Setup(
            [
                sys.argv[0],
                str(corpus),
                f"-dict={dictionary}",
                f"-max_total_time={seconds}",
                f"-max_len={MAX_INPUT}",
                "-timeout=10",
                f"-rss_limit_mb={(BASE_MEMORY + MAX_MEMORY) >> 20}",
                f"-artifact_prefix={FINDINGS}/{Path(sys.argv[0]).stem}-",
                "-print_final_stats=1",
                "-verbosity=1",
                *sys.argv[1:],
            ],
            checked(target),
        )
        atheris.Fuzz()
    sys.exit(0)


def checked(target: Target) -> Target:
    """The target with its limits; what a partner can be blamed for is an answer."""

    def run(data: bytes) -> None:
        begin, before = time.process_time(), _memory()
        try:
            target(data)
        except PartnerError as error:
            str(error)
        seconds, memory = time.process_time() - begin, _peak_memory() - before
        if seconds > MAX_SECONDS:
            raise TooMuch(f"{seconds:.2f} seconds for {len(data)} bytes")
        if _peak_memory() > BASE_MEMORY and memory > MAX_MEMORY:
            raise TooMuch(f"{memory >> 20} MiB for {len(data)} bytes")

    return run


def _memory() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


def _peak_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _escaped(token: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02X}" for byte in token)
