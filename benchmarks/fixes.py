"""Takes every fix that ``archlint fix`` prints, applies exactly that, and runs the patched models.

    python -m benchmarks.fixes [NAME ...]

The models, and what is compared, are in ``tests/support/fix_models``. Exits with 1 if a fix is
wrong, or if too few of the first ones are those that a maintainer would write.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from archlint.runner.patched_project import CopyServer
from tests.support.fix_models.all_models import CASES
from tests.support.fix_models.harness import run


def main(names: list[str]) -> int:
    """Run the cases, all by default, and print a table."""
    outcomes = []
    with CopyServer() as server, tempfile.TemporaryDirectory() as folder:
        for number, case in enumerate(CASES):
            if names and case.name not in names:
                continue
            outcome = run(case, Path(folder) / str(number), server)
            outcomes.append(outcome)
            mark = "yes" if outcome.first else "NO "
            titles = " | ".join(
                f.title + ("" if f.diff or f.code else " (words)") for f in outcome.fixes
            )
            print(f"{mark} {outcome.seconds:5.1f} s  {case.name}: {titles or 'no fix'}", flush=True)
            for problem in outcome.problems:
                print(f"      WRONG {problem}", flush=True)
    first = sum(o.first for o in outcomes)
    wrong = sum(bool(o.problems) for o in outcomes)
    fixes = sum(len(o.fixes) for o in outcomes)
    print(f"{len(outcomes)} models, {fixes} fixes; first as expected: {first}; wrong: {wrong}")
    return int(wrong > 0 or first < 0.75 * len(outcomes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
