"""What the plugin adds to ``pytest --collect-only`` of an empty project.

Usage: python benchmarks/pytest_overhead.py [RUNS]

The import of the plugin as ``-X importtime`` counts it (the best of RUNS), and the CPU time of the
whole process with and without the plugin, and with one rule file to collect (medians of RUNS,
alternating; CPU time, so that other work on the machine counts little). No other plugin is loaded.
"""

from __future__ import annotations

import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

RULES = """\
archlint: 1
contracts:
  - {id: any-batch, models: 'nets:head', input: N 8, accepts: any N}
"""
ALONE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
PLUGIN = {"PYTEST_PLUGINS": "pytest_archlint.plugin"}


def collect(folder: Path, plugin: bool) -> float:
    """CPU milliseconds of one ``pytest --collect-only``."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q"]
    env = os.environ | ALONE | (PLUGIN if plugin else {})
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, capture_output=True, env=env)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def imported() -> float:
    """Milliseconds of importing the plugin where pytest is imported already."""
    code = "import pytest; import pytest_archlint.plugin"
    command = [sys.executable, "-X", "importtime", "-c", code]
    stderr = subprocess.run(command, capture_output=True, text=True).stderr
    match = re.search(r"\| +(\d+) \| pytest_archlint\.plugin$", stderr, re.MULTILINE)
    assert match is not None, stderr
    return int(match[1]) / 1000


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    with tempfile.TemporaryDirectory() as name:
        empty, ruled = Path(name, "empty"), Path(name, "ruled")
        empty.mkdir()
        ruled.mkdir()
        (ruled / "archlint.yaml").write_text(RULES)
        collect(ruled, plugin=True)  # byte code is written once
        light = min(imported() for _ in range(runs))
        with_plugin, without, rules = [], [], []
        for _ in range(runs):
            with_plugin.append(collect(empty, plugin=True))
            without.append(collect(empty, plugin=False))
            rules.append(collect(ruled, plugin=True))
    on, off, rule = map(statistics.median, (with_plugin, without, rules))
    print(f"import of the plugin        {light:7.2f} ms")
    print(f"empty project, without it   {off:7.1f} ms")
    print(f"empty project, with it      {on:7.1f} ms   {on - off:+.1f} ms")
    print(f"one rule file collected     {rule:7.1f} ms   {rule - off:+.1f} ms")


if __name__ == "__main__":
    main()
