"""Boxes of accepted sizes, and files with them: what is written is read and proved."""

import itertools
import random

import pytest
import torch
from torch import nn

from archlint.cli.profile_jobs import profile_jobs
from archlint.contracts.contract import (
    Budget,
    Contract,
    DeclaredRange,
    SizeClause,
)
from archlint.contracts.rulefile.phrase_parser import parse_clause
from archlint.contracts.rulefile.ranges.forms import FORMS, ONE_PROFILE, WITHOUT_STEPS
from archlint.engine.check_run import CheckRun
from archlint.engine.infer.export_boxes import _boxes
from archlint.engine.pipeline import check_source
from archlint.engine.python_contracts import contract_of
from archlint.errors import ArchlintError, Location
from archlint.models.targets import from_instance
from archlint.project.exported_ranges import exported
from archlint.symbolic.formula import holds

SUFFIX = {"trtexec": ".sh", "triton": ".pbtxt", "json": ".json"}


class Grid(nn.Module):
    """Accepts multiples of 4."""

    def forward(self, x):
        return x + nn.functional.interpolate(nn.functional.max_pool2d(x, 4), scale_factor=4)


class Islands(nn.Module):
    """Accepts 16 cells of 8x8: 4x4, 2x8, 8x2, …"""

    def __init__(self):
        super().__init__()
        self.pool, self.head = nn.MaxPool2d(8), nn.Linear(16, 5)

    def forward(self, images):
        return self.head(self.pool(images).flatten(1))


class Half(nn.Module):
    """Accepts two tensors, one twice as long."""

    def forward(self, short, long):
        return torch.cat([short, short], 1) + long


class Bounded(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(50, 8)
        self.places = nn.Parameter(torch.zeros(64, 8))

    def forward(self, ids):
        return self.words(ids) + self.places[: ids.shape[1]]


class Groups(nn.Module):
    """Accepts rows of a multiple of 4."""

    def forward(self, rows):
        return rows.view(rows.shape[0], -1, 4).sum(1)


class Attend(nn.Module):
    """Two sequences of different lengths."""

    def forward(self, q, k):
        return (q @ k.transpose(1, 2)).softmax(-1) @ k


MODELS = {
    "any": (nn.Conv2d(3, 4, 3), "N 3 H W", "N <= 8 and H, W <= 300"),
    "grid": (Grid(), "N 3 H W", "N <= 8 and H, W in 9..300"),
    "islands": (Islands(), "N 1 H W", "N <= 8 and H, W <= 300"),
    "half": (Half(), {"short": "N T", "long": "N 2*T"}, "N <= 8 and T <= 64"),
    "bounded": (Bounded(), {"ids": {"shape": "N T", "dtype": "int64", "below": 50}}, "N <= 8"),
    "square": (nn.Bilinear(4, 4, 2), {"input1": "N 4", "input2": "N 4"}, "N <= 8"),
    "one image": (Grid(), "1 3 H W", "H, W in 9..300"),
    "one cell row": (Islands(), "2 1 16 W", "W <= 90"),
    "samples": (nn.Conv1d(1, 2, 10, 5), "N 1 T", "N <= 4 and T <= 4000"),
    "clips": (nn.Conv3d(3, 2, 3), "N 3 T H W", "N <= 2 and T <= 16 and H, W <= 64"),
    "groups": (Groups(), "N T", "N <= 8 and T in 3..64"),
    "attend": (Attend(), {"q": "N Q 8", "k": "N K 8"}, "N <= 4 and Q, K <= 32"),
}
MORE = tuple(MODELS)[6:]
STEPPED = ("grid", "one image", "groups")


def boxes_of(model, input, within, opt=None):
    clause = parse_clause(f"any {within}", "accepts")
    declared = DeclaredRange(Location("", 1), "", dict(opt or {}))
    clause = SizeClause("any", clause.region, clause.text, declared)
    contract = Contract("a", contract_of(input=input, accepts="any size").input, clause,
                        budget=Budget(64, 20.0))  # fmt: skip
    with from_instance(model) as source:
        run = CheckRun.start(contract, source, samples=0)
        return contract.input, _boxes(run, source)


@pytest.fixture(scope="module")
def boxes():
    return {name: boxes_of(*entry) for name, entry in MODELS.items()}


WITHOUT_BOUNDS = ("triton", "onnx")


def cases():
    for name, form, stated in itertools.product(MODELS, FORMS, (True, False)):
        if name in MORE and not stated:
            continue
        if form != "triton" or name == "square":  # Triton has no bounds
            yield name, form, stated


@pytest.mark.parametrize(("name", "form", "stated"), list(cases()))
def test_what_is_written_is_read_and_proved(name, form, stated, boxes, tmp_path):
    """``stated``: the input is as in --input; else that of the comment, or of the file."""
    input, found = boxes[name]
    text, _ = exported(found, input, form, "a:b")
    file = tmp_path / f"deploy{SUFFIX.get(form, '.py')}"
    file.write_text(text)
    jobs, mistakes = profile_jobs(file, "", input if stated else None, (), ["a:b"], 0)
    assert not mistakes
    for job in jobs:
        with from_instance(MODELS[name][0]) as source:
            verdict = check_source(job.contract, source, samples=0)
        assert verdict.word == "proved", f"{text}\n{verdict.message}"
    if name == "islands":
        assert len(jobs) == (1 if form in ONE_PROFILE else 5)
    if stated and form not in WITHOUT_BOUNDS:
        written = found["plain" if form in WITHOUT_STEPS else "steps"]["boxes"]
        assert_same_sizes(jobs, written[: len(jobs)], listed=form == "coreml" and name in STEPPED)


def assert_same_sizes(jobs, written, listed):
    """The contracts that are read have the sizes of the boxes (``listed``: some of them)."""
    draw = random.Random(1)
    names = list(written[0])
    edges = {n: {v + d for b in written for v in (b[n]["low"], b[n]["high"] or 90, b[n]["opt"])
                 for d in (-1, 0, 1, b[n]["step"])} for n in names}  # fmt: skip
    seen = set()
    for _ in range(400):
        point = {n: draw.choice(sorted(edges[n])) for n in names}
        wanted = any(
            all(s["low"] <= point[n] <= (s["high"] or point[n])
                and (point[n] - s["low"]) % s["step"] == 0 for n, s in b.items())
            for b in written
        )  # fmt: skip
        got = any(holds(job.contract.clause.region, point) for job in jobs)
        assert got == wanted or (listed and wanted), point
        seen.add(got)
    assert seen == {True, False}


def test_the_boxes_cover_what_the_model_accepts(boxes):
    """Each size is run on the real model."""
    _, found = boxes["islands"]
    assert (found["exact"], found["plain"]["lost"]) == (True, "")
    model = MODELS["islands"][0]
    for h, w in itertools.product(range(8, 136, 13), range(8, 136, 5)):
        inside = any(
            b["H"]["low"] <= h <= b["H"]["high"] and b["W"]["low"] <= w <= b["W"]["high"]
            for b in found["plain"]["boxes"]
        )
        try:
            model(torch.zeros(1, 1, h, w))
        except RuntimeError:
            assert not inside, (h, w)
        else:
            assert inside, (h, w)


def test_multiples(boxes):
    _, found = boxes["grid"]
    (box,) = found["steps"]["boxes"]
    assert [(s["low"], s["high"], s["step"]) for s in box.values()] == [
        (1, 8, 1), (12, 300, 4), (12, 300, 4),
    ]  # fmt: skip
    (box,) = found["plain"]["boxes"]
    assert [(s["low"], s["high"]) for s in box.values()] == [(1, 8), (224, 224), (224, 224)]
    assert found["plain"]["lost"]
    assert found["plain"]["largest"]


def test_comments_say_what_is_lost(boxes):
    input, found = boxes["grid"]
    text, _ = exported(found, input, "trtexec", "m:f")
    lines = text.splitlines()
    assert lines[0] == "# Written by archlint export-ranges m:f --to trtexec."
    assert "# This file allows: N in 1..8 and H, W == 224." in lines
    multiples = "N in 1..8 and H, W in 12..300 step 4."
    assert f"# With multiples, which trtexec cannot state: {multiples}" in lines
    assert any(line.startswith("# It is the largest box around opt.") for line in lines)


def test_opt_is_in_the_box():
    _, found = boxes_of(Islands(), "N 1 H W", "N <= 4 and H, W <= 300", {"H": 20, "W": 70})
    first, *_ = found["plain"]["boxes"]
    assert (first["H"]["opt"], first["W"]["opt"]) == (20, 70)
    assert (first["H"]["low"], first["H"]["high"]) == (16, 23)


@pytest.mark.parametrize(
    ("within", "opt", "message"),
    [
        ("H, W <= 300", {"H": 40, "W": 40}, "the model refuses opt H=40 W=40"),
        ("H, W <= 300", {"N": 1, "H": 33, "W": 400}, "opt N=1 H=33 W=400 is outside"),
        ("H, W <= 15", {}, "the model accepts none of these sizes"),
        ("H <= 300 and T >= 1", {}, "'T' is not a size of the input N 1 H W"),
    ],
)
def test_sizes_that_cannot_be(within, opt, message):
    with pytest.raises(ArchlintError, match=message):
        boxes_of(Islands(), "N 1 H W", within, opt)


def test_a_form_whose_ranges_end():
    input, found = boxes_of(nn.Conv2d(3, 4, 3), "N 3 H W", "N <= 4")
    with pytest.raises(ArchlintError, match="trtexec needs an upper bound for H, W: add --within"):
        exported(found, input, "trtexec", "")
    assert '"max": [4, 3, null, null]' in exported(found, input, "json", "")[0]


def test_sizes_that_depend_on_each_other(boxes):
    input, found = boxes["half"]
    lines = exported(found, input, "trtexec", "m:f")[0].splitlines()
    assert "# All sizes T, 2*T must have the same T, which trtexec cannot state." in lines
    check = "# Check it with archlint check --profile FILE --model m:f --input "
    assert check + "'{short: N T, long: N 2*T}'" in lines
    assert "must have" not in exported(found, input, "json", "")[0]


@pytest.mark.parametrize("form", ["torch-export", "shapes-spec", "onnx", "compile"])
def test_nested_inputs_are_no_arguments(form, boxes):
    _, found = boxes["half"]
    input = contract_of(input={"pair": ["N T", "N 2*T"]}, accepts="any size").input
    with pytest.raises(ArchlintError, match="is not written for tensors in lists or mappings"):
        exported(found, input, form, "")
    assert "pair.0:2x" in exported(found, input, "trtexec", "")[0]
