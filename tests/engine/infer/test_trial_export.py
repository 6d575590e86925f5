"""Code for torch.export is tried before it is printed."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from torch import nn

from archlint.cli import app, export_ranges
from archlint.contracts.contract import Budget, Contract, DeclaredRange, ModelRef
from archlint.contracts.rulefile.phrase_parser import parse_clause
from archlint.contracts.rulefile.ranges.forms import read_profiles
from archlint.engine.infer.export_boxes import boxes_verdict
from archlint.engine.infer.trial_export import trial_points, trial_verdict
from archlint.engine.python_contracts import contract_of
from archlint.errors import Location
from archlint.symbolic.formula import holds


class Plain(nn.Module):
    """Accepts sizes from 3."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)

    def forward(self, x):
        return self.conv(x)


class Ceil(nn.Module):
    """Pools that round up: torch.export proves less of named dimensions than of hints."""

    def __init__(self):
        super().__init__()
        self.conv, self.pool = nn.Conv2d(1, 2, 7, 2, 3), nn.MaxPool2d(3, 2, ceil_mode=True)
        self.last = nn.MaxPool2d(2, 2, ceil_mode=True)

    def forward(self, x):
        return self.last(self.pool(self.pool(self.conv(x))))


CODE = """
import torch
from torch.export import Dim

args = (torch.randn(2, 1, 8, 8),)
kwargs = {{}}
dynamic_shapes = ({{2: Dim.DYNAMIC(min={}, max=16)}},)


def export(model):
    return torch.export.export(model, args, kwargs, dynamic_shapes=dynamic_shapes)
"""


def contract(file, within, input="2 1 H 8"):
    clause = parse_clause(f"any {within}", "accepts")
    declared = DeclaredRange(Location(str(file), 1), "torch-export", {"H": 8})
    read = contract_of(input=input, accepts="any size").input
    return Contract("a", read, replace(clause, declared=declared), budget=Budget(64, 60.0))


@pytest.fixture
def tried(tmp_path):
    def run(code, within):
        (tmp_path / "export.py").write_text(code)
        ref = ModelRef("m", f"{__name__}:Plain")
        return trial_verdict(contract(tmp_path / "export.py", within), ref, root=Path.cwd())

    return run


def test_what_is_tried(tried):
    good = tried(CODE.format(4), "H in 4..16")
    version = torch.__version__
    assert good.word == "tested"
    assert good.message == (
        f"Exported with torch {version}: ran at 8 of these sizes, and refused 8 outside"
    )
    narrow = tried(CODE.format(6), "H in 4..16")
    assert (narrow.word, narrow.counterexample) == ("broken", {"H": 4})
    assert narrow.message.startswith("its program refuses H=4 (")
    wide = tried(CODE.format(4), "H in 5..15")
    assert (wide.word, wide.message) == ("broken", "its program accepts H=4")
    false = tried(CODE.format(4).replace("1, 8, 8", "1, 2, 2"), "H in 4..16")
    assert (false.word, false.message.partition(":")[0]) == ("broken", "it raises RuntimeError")
    older = tried("from torch.export import Nothing\n", "H in 4..16")
    assert older.details["skipped"].startswith(f"torch {version} lacks it (cannot import name")


def test_sizes_to_try():
    inside, outside = trial_points(contract("", "H in 8..64 step 8"))
    assert inside[0] == {"H": 8}
    assert {"H": 64} in inside
    region = contract("", "H in 8..64 step 8").clause.region
    assert all(holds(region, p) for p in inside)
    assert len(outside) == 8
    assert not any(holds(region, p) for p in outside)
    assert {"H": 7} in outside


def test_the_command(tmp_path, monkeypatch):
    def run(jobs, *_args, check, **_kwargs):  # in this process
        function = {export_ranges.BOXES: boxes_verdict, export_ranges.TRIAL: trial_verdict}[check]
        return [function(j.contract, j.ref, root=j.root) for j in jobs]

    monkeypatch.setattr(export_ranges, "run_jobs", run)

    def command(form):
        words = ["export-ranges", f"{__name__}:Ceil", "--to", form, "--input", "N 1 H W"]
        words += ["--within", "N <= 4 and H, W in 7..64"]
        return CliRunner().invoke(app.cli, words)

    hints = command("torch-export")
    assert hints.exit_code == 0
    assert "3: Dim.DYNAMIC(min=7, max=64)" in hints.stdout
    assert f"# Exported with torch {torch.__version__}: ran at 8 of these sizes" in hints.stdout
    (tmp_path / "export.py").write_text(hints.stdout)
    (profile,) = read_profiles(tmp_path / "export.py")
    assert [(s.low, s.high) for s in profile.tensors[0].spans] == [(1, 4), (1, 1), (7, 64), (7, 64)]
    none = command("shapes-spec")
    assert none.exit_code == 2
    message = (
        "torch.export cannot express N in 1..4 and H, W in 7..64: it raises UserError: Could not"
    )
    assert message in none.stderr
    assert none.stderr.strip().endswith("try --to torch-export, or fewer sizes with --within")
