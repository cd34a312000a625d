"""Rules broken on purpose: every mutant of mutants.toml must turn a test red. `make mutants`, or by name for a few.

Each mutant is a copy of the sources with one rule changed; the tests that claim its statement run against the copy. A
mutant whose text is no longer in the source is an error too: then nothing was broken; and so are tests that are red
without any mutant.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.conformance.page import ROOT, proofs

SECONDS: Final = 300
"""For one run of the tests."""
_FAILED: Final = 1
"""The exit status of pytest when tests ran and some failed; any other says that it could not run them."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One rule, broken: `find` occurs exactly once in `file` of the package, and becomes `replace`."""

    name: str
    statement: int
    file: str
    find: str
    replace: str

    def tests(self) -> list[str]:
        """The tests that claim the statement; those against the Java peer take longer than the rest and need Java."""
        claimed = [proof.test.partition("[")[0] for proof in proofs() if self.statement in proof.numbers]
        return [test for test in claimed if not test.startswith("tests/interop/")]


def mutants() -> list[Mutant]:
    """The whole table."""
    table = tomllib.loads((Path(__file__).parent / "mutants.toml").read_text())
    return [Mutant(name, **row) for name, row in table.items()]


def survives(mutant: Mutant) -> str | None:
    """Why this mutant is not caught; None when a test turned red."""
    tests = mutant.tests()
    if not tests:
        return f"no test claims statement {mutant.statement}"
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "digikoppelaar"
        shutil.copytree(ROOT / "src" / "digikoppelaar", source, ignore=shutil.ignore_patterns("__pycache__"))
        file = source / mutant.file
        text = file.read_text()
        if text.count(mutant.find) != 1:
            return f"its text occurs {text.count(mutant.find)} times in {mutant.file}"
        file.write_text(text.replace(mutant.find, mutant.replace))
        return _why_green(_run(folder, tests))


def _run(folder: str, tests: list[str]) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *dict.fromkeys(tests)]
    environment = {**os.environ, "PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:  # a rule that keeps something from going on for ever
        return subprocess.CompletedProcess(command, _FAILED, "it did not end in time", "")


def _why_green(run: "subprocess.CompletedProcess[str]") -> str | None:
    if run.returncode == _FAILED:
        return None
    return "every test stays green" if run.returncode == 0 else f"pytest could not run:\n{run.stdout[-1500:]}"


def main() -> int:
    """Run the mutants that were named, or all; the exit status says whether all were caught."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    names = parser.parse_args().names
    chosen = [mutant for mutant in mutants() if not names or mutant.name in names]
    whole = _run(str(ROOT / "src"), sorted({test for mutant in chosen for test in mutant.tests()}))
    if whole.returncode:
        print(f"without any mutant these tests are not green:\n{whole.stdout[-1500:]}")
        return 1
    caught = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for mutant, why in zip(chosen, pool.map(survives, chosen), strict=True):
            caught += why is None
            print(f"{'caught  ' if why is None else 'SURVIVED'} {mutant.name}{f': {why}' if why else ''}", flush=True)
    print(f"{caught} of {len(chosen)} mutants caught")
    return 0 if chosen and caught == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
