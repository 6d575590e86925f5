"""Interpolation, grid sampling and affine grids against the real operators."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

import archlint
import archlint.ops.rules.interpolate
from archlint.contracts.output_shape import fits
from archlint.ops.registry import NoRule
from archlint.ops.rules.interpolate import scaled
from archlint.symbolic import evaluate, symbol
from tests.ops.oracle import HintPath, S, T, agree, covers

nn = torch._C._nn
pytestmark = pytest.mark.filterwarnings("ignore:Since version 1.3.0", "ignore:Default grid_sample")
sizes = st.fixed_dictionaries(
    {"n": st.integers(0, 2), "c": st.sampled_from([2, 2, 1, 0])}
    | {k: st.one_of(st.integers(0, 9), st.integers(10, 20)) for k in "dhw"}
)
SPACE = {1: ("w",), 2: ("h", "w"), 3: ("d", "h", "w")}
MODES = ["nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear", "area"]
OUT = st.sampled_from([1, 2, 5, 0, S("h"), S(symbol("w") * 2), S(symbol("h") // 2)])
SCALE = st.sampled_from([2, 2.0, 0.5, 1.5, 0.25, 1.0, 3, 0.0, 0.7, 1.1])


@covers(F.interpolate)
@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=120, deadline=None)
@given(data=st.data(), env=sizes, other=sizes)
def test_interpolate(mode, data, env, other):
    usual = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}.get(mode)
    n = data.draw(st.sampled_from([usual] * 6 + [1, 2, 3] if usual else [1, 2, 3]))
    kwargs = {"mode": mode}
    if data.draw(st.booleans()):
        kwargs["size"] = data.draw(st.one_of(OUT, st.tuples(*[OUT] * n), st.tuples(OUT)))
    else:
        kwargs["scale_factor"] = data.draw(st.one_of(SCALE, st.tuples(*[SCALE] * n)))
        kwargs["recompute_scale_factor"] = data.draw(st.sampled_from([None, True, False]))
    if usual:
        kwargs["align_corners"] = data.draw(st.sampled_from([None, True, False]))
        kwargs["antialias"] = data.draw(st.sampled_from([False, False, True]))
    x = T("n", "c", *SPACE[n])
    agree(F.interpolate, x, **kwargs, env=env, other=other, layout=True, may_lack_rule=True)


def test_exact_scales_have_a_rule():
    path = HintPath({"h": 1})
    assert str(scaled(path, symbol("h"), 0.5)) == "h//2"
    assert scaled(path, symbol("h"), 2.0) == symbol("h") * 2
    assert scaled(path, 10, 0.7) == 7
    assert str(scaled(path, symbol("h"), 1.1)) == "h+h//10"
    with pytest.raises(NoRule):
        scaled(path, symbol("h"), 0.123456789)


@pytest.mark.parametrize("scale", [0.7, 1.1, 1.3, 0.37, 1 / 3, 2.6])
@settings(max_examples=40, deadline=None)
@given(h=st.integers(0, 100_000))
def test_a_scale_is_multiplied_as_doubles_are(scale, h):
    env = {"h": h}
    assert evaluate(scaled(HintPath(env), symbol("h"), scale), env) == int(h * scale)


@pytest.mark.parametrize(
    "kwargs",
    [
        {}, {"size": 2, "scale_factor": 2}, {"size": 2, "align_corners": True},
        {"size": 2, "recompute_scale_factor": True}, {"size": 2, "antialias": True},
        {"scale_factor": 2, "mode": "linear"}, {"scale_factor": [2, 2, 2]},
    ],
)  # fmt: skip
def test_interpolate_refuses(kwargs):
    agree(F.interpolate, T("n", "c", "h", "w"), **kwargs, env={"n": 1, "c": 1, "h": 3, "w": 3})


NEAREST = [
    (1, nn.upsample_nearest1d), (1, nn._upsample_nearest_exact1d), (2, nn.upsample_nearest2d),
    (2, nn._upsample_nearest_exact2d), (3, nn.upsample_nearest3d),
    (3, nn._upsample_nearest_exact3d),
]  # fmt: skip
LINEAR = [
    (1, nn.upsample_linear1d), (2, nn.upsample_bilinear2d), (2, nn.upsample_bicubic2d),
    (3, nn.upsample_trilinear3d), (2, nn._upsample_bilinear2d_aa), (2, nn._upsample_bicubic2d_aa),
]  # fmt: skip


@covers(*(op for _, op in NEAREST + LINEAR))
@pytest.mark.parametrize(("n", "op"), NEAREST + LINEAR)
@settings(max_examples=30, deadline=None)
@given(data=st.data(), env=sizes, other=sizes)
def test_upsample(n, op, data, env, other):
    size, scales = data.draw(
        st.one_of(
            st.tuples(st.tuples(*[OUT] * n), st.none()),
            st.tuples(st.none(), st.tuples(*[st.sampled_from([0.5, 2.0])] * n)),
            st.just((None, None)),
        )
    )
    corners = () if (n, op) in NEAREST else (False,)
    x = T("n", "c", *SPACE[n])
    agree(op, x, size, *corners, scales, env=env, other=other, layout=True)


@pytest.mark.parametrize(
    ("n", "mode"), [(1, "nearest"), (1, "linear"), (2, "nearest"), (2, "bilinear"), (2, "bicubic"),
                    (2, "area"), (3, "nearest"), (3, "trilinear"), (3, "area")],
)  # fmt: skip
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.uint8, torch.int64])
def test_layout_and_dtype(n, mode, dtype):
    env = {"n": 2, "c": 3, "d": 4, "h": 7, "w": 5}
    for perm in (None, (0, n + 1, *range(1, n + 1))):
        x = T("n", "c", *SPACE[n], perm=perm, dtype=dtype)
        agree(F.interpolate, x, size=3, mode=mode, env=env, layout=True, may_lack_rule=True)


@covers(F.grid_sample, torch.grid_sampler)
@settings(max_examples=150, deadline=None)
@given(
    env=sizes, other=sizes, mode=st.sampled_from(["bilinear", "nearest", "bicubic", "area"]),
    input=st.sampled_from([("n", "c", "h", "w"), ("n", "c", "d", "h", "w"), ("c", "h", "w")]),
    grid=st.sampled_from([("n", 4, "w", 2), ("n", "h", 3, "c"), ("n", 2, 3, "w", 3)]),
)  # fmt: skip
def test_grid_sample(env, other, mode, input, grid):
    x, g = T(*input), T(*grid)
    common = {"env": env, "other": other, "layout": True, "may_lack_rule": True}
    agree(F.grid_sample, x, g, mode, align_corners=False, **common)
    agree(torch.grid_sampler, x, g, 0, 0, False, **common)


@covers(F.affine_grid)
@settings(max_examples=100, deadline=None)
@given(
    env=sizes, other=sizes, align_corners=st.booleans(),
    theta=st.sampled_from([("n", 2, 3), ("n", 3, 4), ("n", "c", 3), (2, 2, 3), ("n", 2)]),
    size=st.sampled_from(
        [("n", "c", "h", "w"), ("n", "c", "d", "h", "w"), ("n", 3, 1, "w"), ("n", "c", "h")]
    ),
)  # fmt: skip
def test_affine_grid(env, other, align_corners, theta, size):
    size = tuple(S(s) for s in size)
    agree(
        F.affine_grid, T(*theta), size, align_corners=align_corners, env=env, other=other,
        layout=True,
    )  # fmt: skip


class Grid(torch.nn.Module):
    """Resizes a table of positions to the grid of patches, as vision transformers do."""

    def __init__(self, side, offset):
        super().__init__()
        self.side, self.offset = side, offset

    def forward(self, x):
        rows, columns = x.shape[2] // 8, x.shape[3] // 8
        scales = [float(n + self.offset) / self.side for n in (rows, columns)]
        table = torch.zeros(1, 2, self.side, self.side)
        return F.interpolate(table, scale_factor=scales, mode="bicubic")


@pytest.mark.parametrize("side", [4, 14, 37, 60])
@pytest.mark.parametrize("offset", [0.1, 0.25, 0.7])
def test_a_scale_of_a_size_and_an_offset_is_exact(side, offset):
    model = Grid(side, offset).eval()
    found = archlint.infer(model, "1 3 H W")
    assert found.exact, found.reasons
    for height in (1, 7, 8, 16, 100, 223, 224, 518, 800):
        point = {"H": height, "W": 8 * side}
        refused = height < 8
        assert found.accepts(**point) is not refused
        if not refused:
            real = model(torch.zeros(1, 3, *point.values(), device="meta")).shape
            assert found.output(**point) == tuple(real)


@pytest.mark.parametrize("side", [3, 14, 49])
def test_a_scale_that_may_round_down_is_not_exact(side):
    model = Grid(side, 0).eval()
    found = archlint.infer(model, "1 3 H W")
    for height in range(8, 900, 8):
        try:
            real = model(torch.zeros(1, 3, height, 8 * side, device="meta")).shape
        except RuntimeError:  # an output size of 0
            assert found.accepts(H=height, W=8 * side) is not True
        else:
            assert found.accepts(H=height, W=8 * side) is not False
            said = found.output(H=height, W=8 * side)
            assert said is None or fits(said, tuple(real))
