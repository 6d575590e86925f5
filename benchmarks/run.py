"""All figures of the README, one after another: `python benchmarks/run.py` (half an hour)."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    for name in ("speed", "depth", "memory"):
        sys.argv = [name]
        runpy.run_path(str(Path(__file__).with_name(f"{name}.py")), run_name="__main__")
