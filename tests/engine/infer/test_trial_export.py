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


@pytest.fixture
def command(monkeypatch):
    def run(jobs, *_args, check, **_kwargs):  # in this process
        function = {export_ranges.BOXES: boxes_verdict, export_ranges.TRIAL: trial_verdict}[check]
        return [function(j.contract, j.ref, root=j.root) for j in jobs]

    def call(form, model, input, within):
        words = ["export-ranges", f"{__name__}:{model}", "--to", form, "--input", input]
        return CliRunner().invoke(app.cli, [*words, "--within", within])

    monkeypatch.setattr(export_ranges, "run_jobs", run)
    return call


def test_the_command(tmp_path, command):
    ceil = "Ceil", "N 1 H W", "N <= 4 and H, W in 7..64"
    hints = command("torch-export", *ceil)
    assert hints.exit_code == 0
    assert "3: Dim.DYNAMIC(min=7, max=64)" in hints.stdout
    assert f"# Exported with torch {torch.__version__}: ran at 8 of these sizes" in hints.stdout
    (tmp_path / "export.py").write_text(hints.stdout)
    (profile,) = read_profiles(tmp_path / "export.py")
    assert [(s.low, s.high) for s in profile.tensors[0].spans] == [(1, 4), (1, 1), (7, 64), (7, 64)]
    none = command("shapes-spec", *ceil)
    assert none.exit_code == 2
    message = (
        "torch.export does not export N in 1..4 and H, W in 7..64: it raises UserError: Could not"
    )
    assert message in none.stderr
    assert none.stderr.strip().endswith("try --to torch-export, or fewer sizes with --within")


def layer():
    return nn.TransformerEncoderLayer(4, 1, 4, batch_first=True)


def test_a_model_that_compares_a_size_with_1(command):
    """A program with ``backed_size_oblivious`` refuses one token; one without it does not."""
    written = command("torch-export", "layer", "N T 4", "N <= 3 and T <= 9")
    assert written.exit_code == 0, written.stderr
    assert "This file allows: N in 1..3 and T in 1..9." in written.stdout
    assert "ran at 8 of these sizes, and refused" in written.stdout
    assert "backed_size_oblivious" not in written.stdout


class Rows(nn.Module):
    """Rows of 8: with an example of 8 their number would be the constant 1."""

    def forward(self, x):
        return x.view(x.shape[0], -1, 8).sum(1)


def test_the_example_of_a_multiple_is_twice_of_it(command):
    written = command("torch-export", "Rows", "N T", "N <= 3 and T in 8..64")
    assert written.exit_code == 0, written.stderr
    assert "This file allows: N in 1..3 and T in 8..64 step 8." in written.stdout
    assert "8 * _T" in written.stdout
