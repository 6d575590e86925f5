"""Mutated rule files and packs through `archlint rules validate`'s function.

    python benchmarks/fuzz.py [--count 1000000] [--seed 2026] [--jobs N] [--seconds N]

The files are checked in parts of 10,000, of which N run at once; after `--seconds` none starts.
tests/support/fuzz_rules.py says how they are made and what fails it; the tests take 500 of them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from table import write

PART = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    options = parser.parse_args()
    repo = Path(__file__).parents[1]
    start = time.monotonic()
    total: dict[str, float] = {}

    def found_in(part: int) -> dict[str, float]:
        if time.monotonic() - start > options.seconds:
            return {}
        count = min(PART, options.count - part)
        command = [
            sys.executable, "-m", "tests.support.fuzz_rules", str(count), f"{options.seed} {part}",
        ]  # fmt: skip
        done = subprocess.run(command, cwd=repo, stdout=subprocess.PIPE, text=True, check=True)
        return dict(json.loads(done.stdout))

    with ThreadPoolExecutor(options.jobs) as threads:
        for found in threads.map(found_in, range(0, options.count, PART)):
            for name, value in found.items():
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
