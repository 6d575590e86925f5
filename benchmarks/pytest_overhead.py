"""What the plugin adds to ``pytest --collect-only`` of an empty project.

Usage: python benchmarks/pytest_overhead.py [RUNS]

Three figures: the imports of the plugin as ``-X importtime`` counts them (the best of RUNS), the
wall clock with and without the plugin (medians of RUNS, alternating), and the collection of one
rule file. All in milliseconds.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RULES = """\
archlint: 1
contracts:
  - {id: any-batch, models: 'nets:head', input: N 8, accepts: any N}
"""


def pytest_run(folder: Path, *args: str, options: tuple[str, ...] = ()) -> tuple[float, str]:
    """Milliseconds and stderr of one ``pytest --collect-only``."""
    command = [sys.executable, *options, "-m", "pytest", "--collect-only", "-q", *args]
    begin = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return 1000 * (time.perf_counter() - begin), done.stderr


def imports(folder: Path) -> float:
    """Milliseconds of the plugin's own modules, and of whatever only they import."""
    _, stderr = pytest_run(folder, options=("-X", "importtime"))
    times = re.findall(r"^import time: +(\d+) \| +(\d+) \| ( *)(\S+)$", stderr, re.MULTILINE)
    # Nested imports are listed before their parent, deeper by two spaces.
    total = 0
    for _own, cumulative, indent, name in times:
        if name == "pytest_archlint" or name == "pytest_archlint.plugin":
            assert indent == "" or name, name
            total += int(cumulative)
    return total / 1000


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    with tempfile.TemporaryDirectory() as name:
        empty = Path(name, "empty")
        ruled = Path(name, "ruled")
        empty.mkdir()
        ruled.mkdir()
        (ruled / "archlint.yaml").write_text(RULES)
        pytest_run(empty)  # byte code is written once
        pytest_run(ruled)
        light = min(imports(empty) for _ in range(3))
        with_plugin, without, rules = [], [], []
        for _ in range(runs):
            with_plugin.append(pytest_run(empty)[0])
            without.append(pytest_run(empty, "-p", "no:archlint")[0])
            rules.append(pytest_run(ruled)[0])
    on, off, rule = map(statistics.median, (with_plugin, without, rules))
    print(f"imports of the plugin             {light:8.2f} ms")
    print(f"empty project, with the plugin    {on:8.1f} ms")
    print(f"empty project, -p no:archlint     {off:8.1f} ms   difference {on - off:+.1f} ms")
    print(f"fastest of each                   {min(with_plugin):8.1f} / {min(without):.1f} ms")
    print(f"one rule file collected           {rule:8.1f} ms   difference {rule - off:+.1f} ms")


if __name__ == "__main__":
    main()
