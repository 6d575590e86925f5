"""10,000 mutated rule files and packs through `archlint rules validate`'s function.

    python benchmarks/fuzz.py

See tests/support/fuzz_rules.py for how they are made and what fails it; the tests take 500 of them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from table import write

COUNT, SEED = 10_000, 2026


def main() -> None:
    command = [sys.executable, "-m", "tests.support.fuzz_rules", str(COUNT), str(SEED)]
    repo = Path(__file__).parents[1]
    done = subprocess.run(command, cwd=repo, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout)
    summary = [f"{COUNT:,} files: no exception, no code run, within bounds of memory"]
    print(*summary, found)
    rows = [(name, f"{value:,}") for name, value in found.items()]
    write("fuzz", "python benchmarks/fuzz.py", summary, ("what", "figure"), rows)


if __name__ == "__main__":
    main()
