"""Every shown fix was applied and run; here it is applied again from what it shows, and run."""

import functools
import re
import subprocess
from pathlib import Path

import pytest
import torch
from torch import nn

from archlint.contracts.contract import ModelRef
from archlint.contracts.rulefile.load import load
from archlint.errors import ArchlintError, Location
from archlint.explanation.fixes.edit import Edit
from archlint.explanation.fixes.model_before_fix import ModelBefore
from archlint.explanation.fixes.wrap import build
from archlint.models.targets import resolve
from tests.support.fix_project import fixes_in, load_model, rules, write_models

CASES = [  # model, input, contract, output, the first fix, sizes that it must take
    ("Flat", "N 1 H W", "any H, W >= 16", "N 3", "AdaptiveAvgPool2d((8, 8)) before the flatten",
     [(2, 1, 16, 16), (1, 1, 21, 40)]),
    ("Averaged", "N 1 H W", "any H, W >= 8", "N 3", "AdaptiveAvgPool2d(1) instead of `pool`",
     [(1, 1, 8, 8), (2, 1, 9, 30)]),
    ("AveragedInForward", "N 1 H W", "any H, W >= 8", "N 3",
     "AdaptiveAvgPool2d(1) instead of `avg_pool2d`", [(1, 1, 8, 8), (2, 1, 9, 30)]),
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
    write_models(tmp_path)
    monkeypatch.chdir(tmp_path)
    return functools.partial(rules, tmp_path)


@pytest.fixture(scope="module")
def searched(tmp_path_factory, copy_server):
    """By model of ``CASES``, its rule file and the fixes; each search is made once."""

    @functools.cache
    def search(model):
        folder = tmp_path_factory.mktemp(model)
        write_models(folder)
        _, *contract, _, _ = next(case for case in CASES if case[0] == model)
        file = rules(folder, model, *contract)
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            return file, fixes_in(file, copy_server)

    return search


@pytest.fixture
def shown(searched, monkeypatch):
    """The rule file and the fixes of a model of ``CASES``; what a test writes there is undone."""
    before = {}

    def of(model):
        file, fixes = searched(model)
        monkeypatch.chdir(file.parent)
        before.update((f, f.read_bytes()) for f in (file, file.with_name("nets.py")))
        return file, fixes

    yield of
    for file, content in before.items():
        file.write_bytes(content)


@pytest.fixture
def fixes_of(copy_server):
    """Calling it returns the fixes of the one contract in a rule file."""
    return lambda file: fixes_in(file, copy_server)


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
def test_the_fix_works_when_it_is_applied(case, shown):
    model, input, _, output, title, sizes = case
    file, (first, *_) = shown(model)
    assert first.title == title
    assert first.weights.startswith("fit")
    before, after = applied(first, file.parent, model)
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
def test_every_shown_fix_runs_at_the_sizes_it_names(case, shown, fixes_of):
    model, input, *_ = case
    file, fixes = shown(model)
    folder = file.parent
    assert fixes
    for fix in fixes:
        if fix.narrows:
            fixed = load_model(folder, model).eval()
        elif fix.proposal.code or fix.edit:
            _, fixed = applied(fix, folder, model)
        else:
            fixed = by_attributes(fix, folder, model)
        assert fix.narrows or fix.ran, fix.title
        for sizes in fix.ran:
            fixed(torch.randn([sizes.get(n, int(n) if n.isdigit() else 1) for n in input.split()]))
        if fix.edit:
            if fix.narrows:
                fix.edit.write()
                assert fixes_of(file) == [], fix.title
            fix.edit.file.write_bytes(fix.edit.before)


def test_every_shown_fix_accepts_the_refused_size(shown):
    _, fixes = shown("Flat")
    assert [f.title for f in fixes] == [
        "AdaptiveAvgPool2d((8, 8)) before the flatten",
        "resize the input to 16 x 16",
        "narrow the contract: accepts: any H, W in 16..17",
    ]
    assert all({"N": 1, "H": 16, "W": 18} in f.ran for f in fixes if not f.narrows)


def test_a_size_that_several_sizes_give_is_resized_to_the_usual_one(project, tmp_path, fixes_of):
    file = project("strided", "N 1 L", "any L >= 16", "N 2")
    with (tmp_path / "nets.py").open("a") as models:
        models.write(
            "\n\ndef strided():\n    conv = nn.Conv1d(1, 4, 9, stride=4, padding=4)\n"
            "    return nn.Sequential(conv, nn.Flatten(), nn.Linear(400, 2))\n"
        )
    assert "resize the input to 400" in [f.title for f in fixes_of(file)]


def test_the_inserted_line_stands_before_the_flatten(shown):
    edit = shown("Flat")[1][0].edit
    assert "+        x = F.adaptive_avg_pool2d(x, (8, 8))\n         x = x.view" in edit.diff()


def test_ceil_mode_where_only_pools_are_to_blame(project, tmp_path, fixes_of):
    fixes = {f.title: f for f in fixes_of(project("pools", "N 1 H W", "any H, W >= 1", None))}
    diff = fixes["ceil_mode=True in `0`, `1`"].edit.diff()
    assert "+    return nn.Sequential(nn.MaxPool2d(2, ceil_mode=True), nn.MaxPool2d(2, ceil" in diff
    model = load_model(tmp_path, "pools")
    model[0].ceil_mode = model[1].ceil_mode = True
    assert model(torch.randn(1, 1, 1, 1)).shape == (1, 1)


def test_padding_where_windows_do_not_fit(shown):
    file, fixes = shown("shrinking")
    (fix,) = [f for f in fixes if f.title.startswith("padding")]
    assert fix.title == "padding=3 in `0`"
    assert fix.accepts == "any size"
    assert fix.same == ()  # the windows see zeros
    assert "+    return nn.Sequential(nn.Conv2d(1, 2, 7, padding=3), nn.Adaptive" in fix.edit.diff()
    model = load_model(file.parent, "shrinking")
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
    before = ModelBefore.of(nn.Linear(2, 3), [], {}, [])
    assert before.load_into(nn.Linear(2, 4)) == "no longer fit: weight, bias"


def test_a_file_that_has_changed_is_not_written(tmp_path):
    file = tmp_path / "a.py"
    file.write_text("new")
    with pytest.raises(ArchlintError, match="has changed"):
        Edit(file, b"old", b"fixed").write()
    assert file.read_text() == "new"


def test_model_references_have_a_location(project):
    (contract,) = load(project("Flat", "N 1 H W", "any H, W >= 16", "N 3")).contracts
    assert isinstance(contract.where, Location)
    assert isinstance(contract.models[0], ModelRef)
    assert Path(contract.where.file).name == "rules.yaml"
