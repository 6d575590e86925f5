"""One contract against a forward test at twenty sizes, on ResNet-50, both under pytest on the CPU.

Usage: python benchmarks/pytest_vs_parametrize.py

Both share one process and one model, so that imports and the build count for neither; the times
are those of pytest's own reports (``call`` phases).
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

CONFTEST = """
import pytest, torch, torchvision

@pytest.fixture(scope="session")
def resnet50():
    torch.manual_seed(0)
    return torchvision.models.resnet50(weights=None).eval()
"""

BY_HAND = """
import pytest, torch

SIDES = (32, 97, 160, 224, 320)
SIZES = [(h, w) for h in (64, 128, 224, 256) for w in SIDES]

@pytest.mark.parametrize(("height", "width"), SIZES)
def test_forward(resnet50, height, width):
    with torch.no_grad():
        assert resnet50(torch.randn(1, 3, height, width)).shape == (1, 1000)
"""

RULES = """
archlint: 1
models: {resnet50: fixture:resnet50}
contracts:
  - id: proof
    models: resnet50
    input: N 3 H W
    accepts: any H, W >= 32
    output: N 1000
    samples: 0
  - id: proof-and-samples
    models: resnet50
    input: N 3 H W
    accepts: any H, W >= 32
    output: N 1000
"""


def calls(folder: Path, *args: str) -> dict[str, float]:
    """Seconds of the call phase of every test."""
    command = [sys.executable, "-m", "pytest", "-p", "no:randomly", "-q", "--durations=0", "-vv"]
    command += ["--archlint-json=verdicts.json", *args]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    found = re.findall(r"^([\d.]+)s call +(\S+)$", done.stdout, re.MULTILINE)
    if done.returncode:
        sys.exit(done.stdout)
    return {name: float(seconds) for seconds, name in found}


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "conftest.py").write_text(CONFTEST)
        (folder / "test_sizes.py").write_text(BY_HAND)
        (folder / "a.archlint.yaml").write_text(RULES)
        times = calls(folder, "test_sizes.py", "a.archlint.yaml")
        verdicts = json.loads((folder / "verdicts.json").read_text())["verdicts"]
    by_hand = [s for n, s in times.items() if "test_forward" in n]
    print(f"20 forward tests            {sum(by_hand):7.2f} s   say it of 20 sizes")
    for verdict in verdicts:
        seconds = next(s for n, s in times.items() if f"::{verdict['contract']}[" in n)
        ran = f"{verdict['samples']['run']} samples"
        print(f"{verdict['contract']:27} {seconds:7.2f} s   {verdict['verdict']} for all, {ran}")


if __name__ == "__main__":
    main()
