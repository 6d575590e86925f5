"""Mutated rule files and packs through `archlint rules validate`'s function.

    python benchmarks/fuzz.py [--count 1000000] [--seed 2026] [--seconds N]

The files are checked in parts of 2,000; after `--seconds` no further part starts.
tests/support/fuzz_rules.py says how they are made and what fails it; the tests take 500 of them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from table import write

PART = 2_000


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    options = parser.parse_args()
    repo = Path(__file__).parents[1]
    start = time.monotonic()
    total: dict[str, float] = {}
    for part in range(0, options.count, PART):
        if time.monotonic() - start > options.seconds:
            break
        count = min(PART, options.count - part)
        command = [
            sys.executable, "-m", "tests.support.fuzz_rules", str(count), f"{options.seed} {part}",
        ]  # fmt: skip
        done = subprocess.run(command, cwd=repo, stdout=subprocess.PIPE, text=True, check=True)
        for name, value in json.loads(done.stdout).items():
            before = total.get(name, 0)
            is_sum = name in ("files", "with mistakes", "mistakes")
            total[name] = before + value if is_sum else max(before, value)
        print(total, f"{time.monotonic() - start:.0f} s", flush=True)
    summary = [
        f"{total['files']:,.0f} files, seed {options.seed}: no exception, no code run, memory "
        f"bounded, in {time.monotonic() - start:.0f} s"
    ]
    print(*summary)
    rows = [(name, f"{value:,}") for name, value in total.items()]
    write("fuzz", "python benchmarks/fuzz.py", summary, ("what", "figure"), rows)


if __name__ == "__main__":
    main()
