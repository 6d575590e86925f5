"""No order of contracts, number of processes, selection or load changes a verdict."""

import json
import random
import subprocess
import sys

import pytest

from tests.support import neighbours


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "options", "loops"),
    [(2, ["--jobs=1", "--select=*e*"], 0), (3, ["--jobs=2"], 3)],
)
def test_shuffled_contracts_beside_hostile_neighbours(tmp_path, seed, options, loops):
    """A part of the contracts; ``python -m tests.support.neighbours 20 1`` takes all 40."""
    neighbours.write(tmp_path, random.Random(seed), count=10)
    with neighbours.busy(loops):
        assert neighbours.differences(tmp_path, *options, seed=seed) == []


MODELS = """\
import torch
from torch import nn

class Rows(nn.Module):
    def forward(self, x):
        return torch.stack([x[:, :, i].relu() for i in range(x.shape[2])], 2)

class Flat(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(3 * 49, 2)

    def forward(self, x):
        return self.head(torch.flatten(x, 1))
"""


def test_a_module_of_several_contracts_is_checked_as_one_of_one(tmp_path):
    (tmp_path / "pyproject.toml").touch()
    lines = ["archlint: 1", "contracts:"]
    for model, files in (("Rows", ("both", "rows")), ("Flat", ("both", "flat"))):
        for file in files:
            (tmp_path / f"{file}.py").write_text(MODELS)
            lines += [
                f"- id: {model}-{file}", f"  models: {file}.py:{model}", "  input: N 3 H W",
                "  accepts: any N >= 1 and H, W >= 5",
            ]  # fmt: skip
    (tmp_path / "archlint.yaml").write_text("\n".join(lines) + "\n")
    done = subprocess.run(
        [sys.executable, "-m", "archlint", "check", "--format", "json", "--no-cache"],
        cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    verdicts = {v["contract"]: v for v in json.loads(done.stdout)["verdicts"]}
    for model, file in (("Rows", "rows"), ("Flat", "flat")):
        several, one = verdicts[f"{model}-both"], verdicts[f"{model}-{file}"]
        assert several["verdict"] == one["verdict"] == {"Rows": "proved", "Flat": "broken"}[model]
        assert (several["proof"], several.get("fix")) == (one["proof"], one.get("fix"))
    assert "AdaptiveAvgPool2d((7, 7)) before the flatten" in verdicts["Flat-both"]["fix"]
