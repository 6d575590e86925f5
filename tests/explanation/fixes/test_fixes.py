"""Every shown fix was applied and run; here it is applied again from what it shows, and run."""

import importlib.util
import re
import subprocess
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from torch import nn

from archlint.cli.fix import fix as command
from archlint.contracts.contract import ModelRef
from archlint.contracts.job import Job
from archlint.contracts.rulefile.load import load
from archlint.engine.check_run import CheckRun
from archlint.errors import ArchlintError, Location
from archlint.explanation.fixes.broken_contract import broken_contract, violation_of
from archlint.explanation.fixes.edit import Edit
from archlint.explanation.fixes.reference import Reference
from archlint.explanation.fixes.wrap import build
from archlint.models.targets import resolve
from archlint.runner.patched_project import checked_fixes
from archlint.runtime.effort_clock import now

MODELS = """\
import torch
from torch import nn
from torch.nn import functional as F


class Flat(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.fc = nn.Linear(4 * 8 * 8, 3)

    def forward(self, x):
        x = F.max_pool2d(self.conv(x), 2)
        x = x.view(x.size(0), -1)
        return self.fc(x)


class Averaged(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.pool = nn.AvgPool2d(8, stride=1)
        self.drop = nn.Dropout(0.1)
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        return self.fc(torch.flatten(self.drop(self.pool(self.conv(x))), 1))


class AveragedInForward(Averaged):
    def forward(self, x):
        x = torch.nn.functional.avg_pool2d(self.conv(x), 8)
        return self.fc(x.view(x.size(0), -1))


class Nested(Flat):
    def forward(self, x):
        return self.fc(torch.flatten(self.conv(x)[..., ::2, ::2], 1))


def layers():
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.Flatten(), nn.Linear(4 * 8 * 8, 3))


def audio():
    return nn.Sequential(nn.Conv1d(1, 4, 3, padding=1), nn.Flatten(), nn.Linear(4 * 10, 3))


class Dense(nn.Module):
    def __init__(self):
        super().__init__()
        self.up = nn.ConvTranspose2d(1, 1, 2, stride=2)

    def forward(self, x):
        return x + self.up(F.max_pool2d(x, 2))


class Fixed(nn.Module):
    def forward(self, x):
        assert x.shape[2] == 8
        return x


class Positions(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 4, 4)
        self.positions = nn.Parameter(torch.randn(1, 4, 8, 8))

    def forward(self, x):
        x = self.conv(x)
        x = x + self.positions
        return F.adaptive_avg_pool2d(x, 1).flatten(1)


class Steps(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(2, 4, 2, 2)
        self.register_buffer("steps", torch.randn(1, 4, 10))

    def forward(self, x):
        x = self.conv(x)
        return (self.steps + x).mean(2)


def shrinking():
    return nn.Sequential(nn.Conv2d(1, 2, 7), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 3))


def pools():
    return nn.Sequential(nn.MaxPool2d(2), nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten())


class Switch(nn.Module):
    def __init__(self, dynamic_img_size=False):
        super().__init__()
        self.dynamic = dynamic_img_size

    def forward(self, x):
        torch._assert(self.dynamic or x.shape[2] == 8, "the height must be 8")
        return x
"""

CASES = [  # model, input, contract, output, the first fix, sizes that it must take
    ("Flat", "N 1 H W", "any H, W >= 16", "N 3", "AdaptiveAvgPool2d((8, 8)) before the flatten",
     [(2, 1, 16, 16), (1, 1, 21, 40)]),
    ("Averaged", "N 1 H W", "any H, W >= 8", "N 3", "AdaptiveAvgPool2d(1) in the place of `pool`",
     [(1, 1, 8, 8), (2, 1, 9, 30)]),
    ("AveragedInForward", "N 1 H W", "any H, W >= 8", "N 3",
     "AdaptiveAvgPool2d(1) in the place of `avg_pool2d`", [(1, 1, 8, 8), (2, 1, 9, 30)]),
    ("Nested", "N 1 H W", "any H, W >= 16", "N 3", "AdaptiveAvgPool2d((8, 8)) before the flatten",
     [(1, 1, 16, 16), (1, 1, 33, 19)]),
    ("layers", "N 1 H W", "any H, W >= 8", "N 3", "AdaptiveAvgPool2d((8, 8)) before the flatten",
     [(1, 1, 8, 8), (1, 1, 9, 30)]),
    ("audio", "N 1 L", "any L >= 10", "N 3", "AdaptiveAvgPool1d(10) before the flatten",
     [(1, 1, 10), (2, 1, 77)]),
    ("Dense", "N 1 H W", "any H, W >= 1", "N 1 H W", "pad the input to a multiple of 2",
     [(1, 1, 1, 1), (1, 1, 7, 4)]),
    ("shrinking", "N 1 H W", "any H, W >= 3", "N 3", "pad the input to at least 7",
     [(1, 1, 3, 3), (1, 1, 9, 4)]),
    ("Switch", "N 1 H W", "any H, W >= 1", None, "build the model with dynamic_img_size=True",
     [(1, 1, 1, 1), (1, 1, 9, 4)]),
    ("Positions", "N 1 H W", "any H, W >= 32", "N 4",
     "interpolate `positions` to the size of the features", [(1, 1, 32, 32), (2, 1, 50, 37)]),
    ("Steps", "N 2 L", "any L >= 20", "N 4", "interpolate `steps` to the size of the features",
     [(1, 2, 20), (1, 2, 77)]),
]  # fmt: skip


@pytest.fixture
def project(tmp_path, monkeypatch, one_copy_server):
    """A project with the models; calling it writes a rule file of one contract."""
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "nets.py").write_text(MODELS)
    monkeypatch.chdir(tmp_path)

    def rules(model, input, clause, output):
        lines = ["archlint: 1", "models:", f"  net: nets.py:{model}", "contracts:", "  - id: it"]
        lines += ["    models: [net]", f"    input: {input}", f"    accepts: {clause}  # why"]
        lines += [f"    output: {output}"] if output else []
        file = tmp_path / "rules.yaml"
        file.write_text("\n".join(lines) + "\n")
        return file

    return rules


@pytest.fixture
def fixes_of(copy_server):
    """Calling it returns the fixes of the one contract in a rule file."""
    return lambda file: fixes_in(file, copy_server)


def fixes_in(file, server):
    (contract,) = load(file).contracts
    ref = contract.models[0]
    with resolve(ref, file.parent) as source:
        run = CheckRun.start(contract, source, deadline=now() + 60)
        violation = violation_of(run)
        if violation is None or violation.expected != "accepted":
            return []
        job = Job(contract, ref, file.parent)
        return checked_fixes(broken_contract(run, violation), job, [], server).fixes


def load_model(folder, name):
    """A model of nets.py as it is now."""
    spec = importlib.util.spec_from_file_location(f"nets_{name}_{id(name)}", folder / "nets.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)()


def applied(fix, folder, name):
    """The fixed model, made from what the fix shows and nothing else."""
    before = load_model(folder, name)
    if fix.proposal.code:
        kind = "Padded" if "Padded" in fix.proposal.code else "Resized"
        return before, build(fix.proposal.code, kind)(before).eval()
    if fix.edit.file.suffix == ".yaml":
        ref = load_after(fix.edit)
        with resolve(ref, folder) as source:
            return before, source.for_running()
    patch = subprocess.run(["git", "apply", "-"], cwd=folder, input=fix.edit.diff(), text=True)
    assert patch.returncode == 0, "the shown diff does not apply"
    assert fix.edit.file.read_bytes() == fix.edit.after
    after = load_model(folder, name)
    after.load_state_dict(before.state_dict())
    return before.eval(), after.eval()


def load_after(edit):
    edit.write()
    return next(iter(load(edit.file).models.values()))


@pytest.mark.parametrize("case", CASES, ids=[c[0] for c in CASES])
def test_the_fix_works_when_it_is_applied(project, tmp_path, case, fixes_of):
    model, input, clause, output, title, sizes = case
    first = fixes_of(project(model, input, clause, output))[0]
    assert first.title == title
    assert first.weights.startswith("fit")
    before, after = applied(first, tmp_path, model)
    if first.same and model != "Switch":
        x = torch.randn([first.same[0].get(n, int(n) if n.isdigit() else 1) for n in input.split()])
        with torch.no_grad():
            assert torch.allclose(before(x), after(x), atol=1e-5)
    for size in (
        *sizes,
        *([r.get(n, int(n) if n.isdigit() else 1) for n in input.split()] for r in first.ran),
    ):
        out = after(torch.randn(*size))
        wanted = {"N 3": (size[0], 3), "N 1 H W": tuple(size)}.get(output)
        assert wanted is None or tuple(out.shape) == wanted


def by_attributes(fix, folder, name):
    """The fixed model where the title says which attribute of which layer to set."""
    model = load_model(folder, name)
    for value, path in re.findall(r"(\w+=[^`]+) in `([^`]+)`", fix.title):
        attribute, _, number = value.partition("=")
        layer = model.get_submodule(path)
        kind = type(getattr(layer, attribute))
        setattr(layer, attribute, (int(number),) * 2 if kind is tuple else kind(int(number)))
    return model.eval()


@pytest.mark.parametrize("case", CASES, ids=[c[0] for c in CASES])
def test_every_shown_fix_runs_at_the_sizes_it_names(project, tmp_path, case, fixes_of):
    model, input, clause, output, _, _ = case
    file = project(model, input, clause, output)
    shown = fixes_of(file)
    assert shown
    for fix in shown:
        if fix.narrows:
            fixed = load_model(tmp_path, model).eval()
        elif fix.proposal.code or fix.edit:
            _, fixed = applied(fix, tmp_path, model)
        else:
            fixed = by_attributes(fix, tmp_path, model)
        assert fix.narrows or fix.ran, fix.title
        for sizes in fix.ran:
            fixed(torch.randn([sizes.get(n, int(n) if n.isdigit() else 1) for n in input.split()]))
        if fix.edit:
            if fix.narrows:
                fix.edit.write()
                assert fixes_of(file) == [], fix.title
            fix.edit.file.write_bytes(fix.edit.before)


def test_every_shown_fix_accepts_the_refused_size(project, fixes_of):
    shown = fixes_of(project("Flat", "N 1 H W", "any H, W >= 16", "N 3"))
    assert [f.title for f in shown] == [
        "AdaptiveAvgPool2d((8, 8)) before the flatten",
        "resize the input to 16 x 16",
        "narrow the contract: accepts: any H, W in 16..17",
    ]
    assert all({"N": 1, "H": 16, "W": 18} in f.ran for f in shown if not f.narrows)


def test_the_inserted_line_stands_before_the_flatten(project, fixes_of):
    edit = fixes_of(project("Flat", "N 1 H W", "any H, W >= 16", "N 3"))[0].edit
    assert "+        x = F.adaptive_avg_pool2d(x, (8, 8))\n         x = x.view" in edit.diff()


def test_ceil_mode_where_only_pools_are_to_blame(project, tmp_path, fixes_of):
    titles = [f.title for f in fixes_of(project("pools", "N 1 H W", "any H, W >= 1", None))]
    assert "ceil_mode=True in `0`, `1`" in titles
    model = load_model(tmp_path, "pools")
    model[0].ceil_mode = model[1].ceil_mode = True
    assert model(torch.randn(1, 1, 1, 1)).shape == (1, 1)


def test_padding_where_windows_do_not_fit(project, tmp_path, fixes_of):
    file = project("shrinking", "N 1 H W", "any H, W >= 3", "N 3")
    (fix,) = [f for f in fixes_of(file) if f.title.startswith("padding")]
    assert fix.title == "padding=3 in `0`"
    assert fix.accepts == "any size"
    model = load_model(tmp_path, "shrinking")
    model[0].padding = (3, 3)
    assert model(torch.randn(1, 1, 1, 1)).shape == (1, 3)


def test_the_contract_narrowed_to_what_holds(project, fixes_of):
    file = project("Dense", "N 1 H W", "any H, W >= 4", "N 1 H W")
    narrowed = fixes_of(file)[-1]
    assert narrowed.narrows
    narrowed.edit.write()
    assert "    accepts: any H, W >= 4 and H % 2 == 0 and W % 2 == 0  # why\n" in file.read_text()
    assert fixes_of(file) == []


def test_a_contract_that_holds_needs_no_fix(project, fixes_of):
    assert fixes_of(project("shrinking", "N 1 H W", "any H, W >= 7", "N 3")) == []


def test_an_argument_that_does_not_help_is_not_shown(project, tmp_path, fixes_of):
    file = project("Switch", "N 1 H W", "any H, W >= 1", None)
    text = (tmp_path / "nets.py").read_text()
    (tmp_path / "nets.py").write_text(text.replace("self.dynamic or ", ""))  # takes it, ignores it
    assert not any("dynamic" in f.title for f in fixes_of(file))


def test_weights_that_no_longer_fit_are_named():
    before = Reference.of(nn.Linear(2, 3), [], {}, [])
    assert before.load_into(nn.Linear(2, 4)) == "no longer fit: weight, bias"


def test_a_file_that_has_changed_is_not_written(tmp_path):
    file = tmp_path / "a.py"
    file.write_text("new")
    with pytest.raises(ArchlintError, match="has changed"):
        Edit(file, b"old", b"fixed").write()
    assert file.read_text() == "new"


# -- the command ---------------------------------------------------------------------------------


def test_the_command_prints_and_leaves_files_alone(project, tmp_path):
    file = project("Flat", "N 1 H W", "any H, W >= 16", "N 3")
    result = CliRunner().invoke(command, [str(file)])
    assert result.exit_code == 0, result.output
    assert "fix        AdaptiveAvgPool2d((8, 8)) before the flatten" in result.output
    assert "accepts    H, W >= 2   (proved, and no other size)" in result.output
    assert "weights    the existing weights fit" in result.output
    assert (tmp_path / "nets.py").read_text() == MODELS


def test_a_search_that_time_ended_says_so(project):
    file = project("Fixed", "N 1 H W", "any H, W >= 4", None)
    output = CliRunner().invoke(command, [str(file), "--seconds", "0.0001"]).output
    assert "no proven fix found\n  not tried  all fixes\n" in output
    assert "the time limit of 0.0001 s ended the search (--seconds)" in output


def test_write_changes_the_file(project, tmp_path):
    file = project("Flat", "N 1 H W", "any H, W >= 16", "N 3")
    result = CliRunner().invoke(command, [str(file), "--write"])
    assert "written to nets.py: AdaptiveAvgPool2d((8, 8))" in result.output
    assert (result.exit_code, result.output.splitlines()[-1]) == (0, "1 written")
    assert load_model(tmp_path, "Flat")(torch.randn(1, 1, 50, 30)).shape == (1, 3)
    assert CliRunner().invoke(command, [str(file)]).output == "nothing to fix\n"


def test_write_interpolates_to_the_size_of_a_skip_connection(project, tmp_path):
    file = project("Dense", "N 1 H W", "any H, W >= 4", "N 1 H W")
    result = CliRunner().invoke(command, [str(file), "--write"])
    assert "written to nets.py: interpolate to the size of `x`" in result.output
    assert load_model(tmp_path, "Dense")(torch.randn(2, 1, 5, 8)).shape == (2, 1, 5, 8)


def test_write_never_narrows_a_contract(project, tmp_path):
    file = project("Fixed", "N 1 H W", "any H, W >= 4", "N 1 H W")
    before = file.read_text()
    result = CliRunner().invoke(command, [str(file), "--write"])
    assert "nothing written" in result.output
    assert (result.exit_code, result.output.splitlines()[-1]) == (1, "0 written, 1 needs you")
    assert file.read_text() == before


def test_model_references_have_a_location(project):
    (contract,) = load(project("Flat", "N 1 H W", "any H, W >= 16", "N 3")).contracts
    assert isinstance(contract.where, Location)
    assert isinstance(contract.models[0], ModelRef)
    assert Path(contract.where.file).name == "rules.yaml"
