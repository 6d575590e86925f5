"""What the plugin adds to ``pytest --collect-only`` of an empty project, and what a rule file adds.

Usage: python benchmarks/pytest_overhead.py [RUNS]

Each run is a process of its own, which times what the plugin does in it: its import, through
pytest's own import hook, its registration, and every call of its hooks. The first rule file costs
the import of its reader. The best of RUNS (10): whole processes differ by less than their
noise.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

RULES = """\
archlint: 1
contracts:
  - {id: any-batch, models: 'nets:head', input: N 8, accepts: any N}
"""

CHILD = """
import importlib.metadata, inspect, json, sys, time
import pytest
from pluggy import PluginManager

spent = {"import": 0.0, "register": 0.0, "hooks": 0.0}

def timed(kind, function):
    def call(*args, **kwargs):
        begin = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            spent[kind] += 1000 * (time.perf_counter() - begin)
    return call

load, register = importlib.metadata.EntryPoint.load, pytest.PytestPluginManager.register

def load_timed(self):
    return (timed("import", load) if self.name == "archlint" else load)(self)

def register_timed(self, plugin, name=None):
    ours = str(name).startswith("archlint")
    result = (timed("register", register) if ours else register)(self, plugin, name)
    for caller in self.get_hookcallers(plugin) or () if ours else ():
        for impl in caller.get_hookimpls():
            if impl.plugin is plugin and not inspect.isgeneratorfunction(impl.function):
                impl.function = timed("hooks", impl.function)
    return result

importlib.metadata.EntryPoint.load = load_timed
pytest.PytestPluginManager.register = register_timed
pytest.main(["--collect-only", "-q"])
print(json.dumps(spent))
"""
# As installed: with byte code.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def spent(folder: Path) -> dict[str, float]:
    """Milliseconds that the plugin takes in one run, by what it does."""
    command = [sys.executable, "-c", CHILD]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=ENVIRONMENT)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    assert found["import"], "the plugin is not installed"
    return found


def first_rule_file(file: Path) -> float:
    """Milliseconds of reading a rule file for the first time, imports included."""
    code = "import pytest, sys, time; begin = time.perf_counter(); import pytest_archlint.items; "
    code += "from archlint.contracts.rulefile.load import load; load(sys.argv[1]); "
    code += "assert 'torch' not in sys.modules; print(1000 * (time.perf_counter() - begin))"
    command = [sys.executable, "-c", code, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, check=True)
    return float(done.stdout)


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    with tempfile.TemporaryDirectory() as name:
        empty, rules = Path(name), Path(name, "rules.yaml")
        rules.write_text(RULES)
        spent(empty)  # byte code is written once
        best = min((spent(empty) for _ in range(runs)), key=lambda s: sum(s.values()))
        parts = ", ".join(f"{kind} {ms:.2f}" for kind, ms in best.items())
        print(f"empty project     {sum(best.values()):7.2f} ms   ({parts})")
        print(f"first rule file   {min(first_rule_file(rules) for _ in range(runs)):7.2f} ms")


if __name__ == "__main__":
    main()
