"""A second `archlint check` of 100 contracts, nothing changed, and after one file changed.

    python benchmarks/cache.py

Ten models that share a layer, ten contracts each, in a project of their own. CPU seconds are those
of the process and its workers; on an idle machine the wall clock says the same.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from table import write

REPO = Path(__file__).parents[1]
MODELS, CONTRACTS, RUNS = 10, 10, 9
LAYERS = "from torch import nn\n\ndef block(n): return nn.Conv2d(3, n, 3, padding=1)\n"
NET = """\
from torch import nn
from acme.layers import block

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = block({width})
        self.head = nn.Linear({width}, 10)

    def forward(self, x):
        return self.head(self.body(x).mean((2, 3)))
"""


def project(folder: Path) -> None:
    """A package of models and a rule file."""
    (folder / "acme").mkdir()
    (folder / "acme" / "__init__.py").touch()
    (folder / "acme" / "layers.py").write_text(LAYERS)
    (folder / "pyproject.toml").write_text("[project]\nname = 'acme'\n")
    lines = ["archlint: 1", "models:"]
    for i in range(MODELS):
        (folder / "acme" / f"net{i}.py").write_text(NET.format(width=i + 4))
        lines.append(f"  net{i}: acme.net{i}:Net")
    lines.append("contracts:")
    for i in range(CONTRACTS):
        lines += [
            f"  - id: side-{i}", "    models: ['net*']", "    input: N 3 H W",
            f"    accepts: any N >= 1 and H, W >= {i + 8}", "    output: N 10",
        ]  # fmt: skip
    (folder / "archlint.yaml").write_text("\n".join(lines) + "\n")


def run(folder: Path, *command: str) -> tuple[float, float, str]:
    """Wall and CPU seconds of a process and what it started, and the last line that it printed."""
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    env["PYTHONPATH"] = str(REPO)
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, env=env, capture_output=True, text=True, check=True
    )
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, (done.stdout.splitlines() or [""])[-1]


def main() -> None:
    check = ("-m", "archlint", "check", "-v")
    rows: list[tuple[str, str, str, str]] = []

    def add(what: str, *found: tuple[float, float, str]) -> tuple[float, float]:
        wall, cpu = (statistics.median(f[i] for f in found) for i in (0, 1))
        rows.append((what, f"{wall:.2f} s", f"{cpu:.2f} s", found[-1][2]))
        print("  ".join(rows[-1]), flush=True)
        return wall, cpu

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project(folder)
        add("python -c pass", *(run(folder, "-c", "pass") for _ in range(RUNS)))
        add("import click", *(run(folder, "-c", "import click") for _ in range(RUNS)))
        add("the first run", run(folder, *check))
        wall, cpu = add("nothing changed", *(run(folder, *check) for _ in range(RUNS)))
        (folder / "acme" / "net3.py").write_text(NET.format(width=7) + "\n")
        add("one model's file changed", run(folder, *check))
        (folder / "acme" / "layers.py").write_text(LAYERS + "\n")
        add("the shared layer changed", run(folder, *check))
    load = os.getloadavg()[0]
    summary = [
        f"100 contracts, nothing changed: {wall:.2f} s by the wall clock, {cpu:.2f} s of CPU "
        f"(median of {RUNS}; load of the machine {load:.1f} on {os.cpu_count()} cores)"
    ]
    print(*summary)
    header = ("run", "wall clock", "CPU", "its last line")
    write("cache", "python benchmarks/cache.py", summary, header, rows)


if __name__ == "__main__":
    main()
