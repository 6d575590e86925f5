"""Shape rules against the real CPU operators, on freshly drawn cases: the full form of the CI test.

    python benchmarks/operators.py [--cases 100000] [--seed 1]

The tests of ``tests/ops`` run again and again, each time with another seed for what hypothesis
draws, until the real operators have run for so many cases. A case is one call: an operator with
its arguments at drawn sizes, first as numbers, then as symbols. For pytest this file is a plugin,
which counts.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

REPO = Path(__file__).parents[1]
COUNTS = "OPERATOR_CASES"  # the file in which the plugin leaves what it counted
_calls: Counter[str] = Counter()


def pytest_configure(config: Any) -> None:
    """Count the calls of the oracle, for each operator."""
    from tests.ops import oracle

    real_call = oracle.real_call

    def counted(function: Any, *rest: Any) -> Any:
        _calls[getattr(function, "__name__", str(function))] += 1
        return real_call(function, *rest)

    oracle.real_call = counted


def pytest_collection() -> None:
    """Draw anew: the settings of the suite, which are loaded by now, always draw the same."""
    from hypothesis import HealthCheck, settings

    settings.register_profile(
        "drawn", derandomize=False, database=None, suppress_health_check=list(HealthCheck)
    )
    settings.load_profile("drawn")


def pytest_collection_modifyitems(items: list[Any]) -> None:
    items[:] = [i for i in items if hasattr(getattr(i, "obj", None), "hypothesis")]


def pytest_unconfigure() -> None:
    if COUNTS in os.environ:
        Path(os.environ[COUNTS]).write_text(json.dumps(_calls))


def main() -> int:
    from table import write

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    total: Counter[str] = Counter()
    rounds = failed = 0
    while total.total() < options.cases and not failed:
        with tempfile.TemporaryDirectory() as folder:
            counts = Path(folder, "counts.json")
            command = [
                sys.executable, "-m", "pytest", "tests/ops", "-q", "--tb=short",
                "-p", "no:cacheprovider", "-p", "benchmarks.operators", "--basetemp", f"{folder}/t",
                f"--hypothesis-seed={options.seed + rounds}",
            ]  # fmt: skip
            failed = subprocess.run(
                command, cwd=REPO, env={**os.environ, COUNTS: str(counts)}
            ).returncode
            total.update(json.loads(counts.read_text()))
        rounds += 1
        print(f"round {rounds}: {total.total():,} cases", flush=True)
    rows = [(name, f"{count:,}") for name, count in sorted(total.items())]
    said = [
        f"{total.total():,} cases of {len(rows)} operators in {rounds} rounds, seeds from "
        f"{options.seed}: {'a disagreement' if failed else 'no disagreement'}"
    ]
    print(*said)
    write("operators", "python benchmarks/operators.py", said, ("operator", "cases"), rows)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
