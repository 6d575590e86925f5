"""Which size of which weight has to equal which formula, derived from a run."""

import pytest
import torch
from torch import nn

from archlint.engine.check_run import CheckRun
from archlint.engine.python_contracts import contract_of, source_of
from archlint.engine.weights.ties import shape_formula, ties, weight_claims
from tests.engine.structure.test_pooled_before_linear import FREE, IMAGE, TIED, Model, p


def tied(model, input, **point):
    """Each tied size as ``name: shape``, with ``>=`` where it only has to be large enough."""
    contract = contract_of(input=input, accepts="any size", mode="eval")
    with source_of(model.eval()) as source:
        run = CheckRun.start(contract, source, samples=0)
        found = ties(weight_claims(run, {n: point.get(n, 1) for n in run.question.names}))
    return [f"{t.name}{' >=' if t.at_least else ''}: {shape_formula(t)}" for t in found]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Linear", ["f.weight: 2 x 3*H*W"]),
        ("view(N, 192)", ["f.weight: 2 x 3*H*W"]),
        ("LSTM over columns", ["f.weight_ih_l0: 16 x W"]),
        ("LayerNorm([8, 8])", ["weight: H x 8", "weight: 8 x W", "bias: H x 8", "bias: 8 x W"]),
        ("positions of a map", ["pos: 1 x 3 x 8 x W", "pos: 1 x 3 x H x 8"]),
        ("flat positions", ["pos: 3 x H x 8", "pos: 3 x 8 x W"]),
        ("gate", ["f.weight: 3*H*W x 3", "f.bias: 3*H*W"]),
        ("rows, concatenated and averaged", ["f.weight: 2 x 3*H"]),
        ("mixer of a written number of tokens", ["g.weight: 4 x (H*W)//16"]),
        ("ViT", ["pos: 1 x ((H//4)*(W//4)+1) x 16"]),
    ],
)
def test_the_formula_of_an_image(name, expected):
    size = 16 if name == "ViT" else 8
    assert tied(TIED[name], IMAGE, H=size, W=size) == expected


@pytest.mark.parametrize("name", FREE)
def test_weights_that_serve_every_image(name):
    size = {"interpolated positions": 16, "resized by Python": 9}.get(name, 8)
    assert tied(FREE[name], IMAGE, H=size, W=size) == []


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (Model(lambda s, x: x + s.pos[:, : x.shape[1]], pos=p(1, 16, 8)), "pos >=: 1 x T x 8"),
        (Model(lambda s, x: x + s.pos.narrow(1, 0, x.shape[1]), pos=p(1, 16, 8)),
         "pos >=: 1 x T x 8"),
        (Model(lambda s, x: x + s.pos[:, 1 : x.shape[1] + 1], pos=p(1, 16, 8)),
         "pos >=: 1 x (T+1) x 8"),
        (Model(lambda s, x: s.after(nn.functional.avg_pool1d(x.mT, 5, 2).mT),
               after=Model(lambda s, x: x + s.pos[:, : x.shape[1]], pos=p(1, 16, 8))),
         "after.pos >=: 1 x (ceil(T/2)-2) x 8"),
        (Model(lambda s, x: x + s.e(torch.arange(x.shape[1])), e=nn.Embedding(16, 8)),
         "e.weight >=: T x 8"),
    ],
    ids=["slice", "narrow", "shifted", "after pooling", "embedding"],
)  # fmt: skip
def test_a_table_has_to_be_long_enough(model, expected):
    assert tied(model, "N T 8", T=8) == [expected]


def test_sizes_that_do_not_fit_are_derived_as_well():
    assert tied(TIED["Linear"], IMAGE, H=5, W=9) == ["f.weight: 2 x 3*H*W"]
