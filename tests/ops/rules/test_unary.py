"""Element-wise functions in every spelling, of every dtype, on strided inputs."""

from __future__ import annotations

import inspect
import itertools

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

import archlint.ops.rules.unary as pointwise
from archlint.ops.aliases import spellings
from archlint.ops.registry import RULES, Refused, TensorSpec
from archlint.symbolic.intervals import Box
from tests.ops.oracle import HintPath, S, T, agree, covers

DTYPES = [torch.bool, torch.uint8, torch.int64, torch.float16, torch.float32, torch.float64]
MORE = {  # what a function needs beside the tensor
    "threshold": (0.1, 0.0),
    "_threshold": (0.1, 0.0),
    "threshold_": (0.1, 0.0),
    "clamp": (0, 2),
    "clip": (0, 2),
    "clamp_": (0, 2),
    "clip_": (0, 2),
    "logit": (0.1,),
    "logit_": (0.1,),
}
APART = {"prelu", "_prelu_kernel", "glu"}
UNARY = [
    f
    for f, rule in RULES.items()
    if inspect.getmodule(rule) is pointwise
    and f.__name__ not in APART
    and not f.__name__.startswith("clamp_m")
]
point = {"a": 2, "b": 3, "c": 4, "d": 2}
other = {"a": 0, "b": 1, "c": 5, "d": 3}


def _named(f):
    return getattr(f, "__qualname__", f.__name__)


@covers(*UNARY)
@pytest.mark.parametrize("function", UNARY, ids=_named)
def test_every_dtype(function):
    args = MORE.get(function.__name__.removeprefix("special_"), ())
    for dtype in DTYPES:
        x = T("a", "b", dtype=dtype)
        may_lack = (dtype is torch.uint8 and "hardtanh" in str(function)) or "relu6" in str(
            function
        )
        agree(function, x, *args, env=point, other=other, may_lack_rule=may_lack)


@pytest.mark.parametrize("function", UNARY, ids=_named)
def test_layout(function):
    args = MORE.get(function.__name__.removeprefix("special_"), ())
    dtype = torch.int64 if "bitwise" in function.__name__ or "invert" in function.__name__ else None
    for perm in ((0, 3, 1, 2), (3, 2, 1, 0)):
        x = T("a", "b", "c", "d", dtype=dtype or torch.float32, perm=perm)
        agree(function, x, *args, env=point, other=other, layout=True)


@pytest.mark.parametrize("inplace", [True, False])
@pytest.mark.parametrize(
    "name",
    [
        "relu",
        "relu6",
        "silu",
        "mish",
        "hardswish",
        "hardsigmoid",
        "elu",
        "selu",
        "celu",
        "leaky_relu",
        "hardtanh",
    ],
)
def test_inplace_flag(name, inplace):
    function = getattr(F, name)
    agree(function, T("a", "b"), inplace=inplace, env=point, other=other)
    spec = TensorSpec((2, 3), torch.float32, (1, 0))
    path = HintPath({})
    if not inplace:
        assert RULES[function](path, spec).dims == (2, 3)
        return
    with pytest.raises(RuntimeError, match="single memory location"):
        function(torch.zeros(2, 1).expand(2, 3), inplace=True)
    with pytest.raises(Refused, match="each element in memory of its own"):
        RULES[function](path, spec, inplace=True)


CLAMPS = [f for n in ("clamp", "clip", "clamp_", "clip_") for f in spellings(n)]
ENDS = [f for n in ("clamp_min", "clamp_max", "clamp_min_", "clamp_max_") for f in spellings(n)]
limit = st.sampled_from(
    [
        None,
        0,
        2,
        -1.5,
        S("a"),
        T("b"),
        T("a", 1),
        T(dtype=torch.float64),
        T(dtype=torch.int64),
        T("a", "b", dtype=torch.int64),
    ]
)


@covers(*CLAMPS, *ENDS)
@given(
    low=limit, high=limit, dtype=st.sampled_from(DTYPES), a=st.integers(0, 3), b=st.integers(0, 3)
)
@settings(max_examples=60)
def test_clamp(low, high, dtype, a, b):
    env, other = {"a": a, "b": b}, {"a": b, "b": a}
    x = T("a", "b", dtype=dtype)
    for function in CLAMPS:
        agree(function, x, low, high, env=env, other=other)
    if low is not None:
        for function in ENDS:
            agree(function, x, low, env=env, other=other)


@pytest.mark.parametrize(("low", "high"), list(itertools.product([None, -2, 3], [None, 0, 4])))
def test_ranges(low, high):
    values = torch.arange(-3, 9)
    x = T(12, dtype=torch.int64, values=(-3, 8), fill=lambda shape: values.clone())
    for function in spellings("relu", "abs", "neg", "square", "positive", "floor", "sign"):
        agree(function, x, env={})
    if low is not None or high is not None:
        agree(torch.clamp, x, low, high, env={})


@pytest.mark.parametrize("low", [-2, 0, 1, 2, 9])
def test_ranges_of_logarithms(low):
    values = torch.arange(low, low + 70)
    spec = TensorSpec((70,), torch.int64, values=(low, low + 69))
    for function in spellings("log", "log2", "log10"):
        result = RULES[function](HintPath({}, Box({})), spec)
        if low < 1:
            assert result.values is None
        else:
            real = function(values)
            assert result.values[0] <= real.min()
            assert real.max() <= result.values[1]


@covers(*spellings("prelu"))
@given(
    shape=st.lists(st.sampled_from(["a", "b", 1, 3]), max_size=4),
    slopes=st.sampled_from([(), (1,), (3,), (2,), (0,), (1, 1)]),
    a=st.integers(0, 3),
    b=st.integers(0, 3),
)
@settings(max_examples=100)
def test_prelu(shape, slopes, a, b):
    for function in spellings("prelu"):
        agree(function, T(*shape), T(*slopes), env={"a": a, "b": b}, other={"a": b, "b": a})


@covers(*spellings("glu"))
@given(
    rank=st.integers(0, 3),
    dim=st.integers(-4, 3),
    env=st.fixed_dictionaries({n: st.integers(0, 9) for n in "abc"}),
)
@settings(max_examples=100)
def test_glu(rank, dim, env):
    other = {n: v + 1 for n, v in env.items()}
    agree(F.glu, T(*"abc"[:rank]), dim, env=env, other=other, layout=True)
    if rank == 3:
        agree(F.glu, T(*"abc", perm=(1, 2, 0)), dim, env=env, other=other, layout=True)


REFUSED_SETTINGS = {
    "gelu": (F.gelu, {"approximate": "erf"}),
    "hardtanh": (F.hardtanh, {"min_val": 0.5, "max_val": -0.5}),
    "softshrink": (F.softshrink, {"lambd": -0.5}),
    "rrelu": (F.rrelu, {"lower": 0.5, "upper": 0.1}),
    "celu": (F.celu, {"alpha": 0.0}),
    "relu": (F.relu, {"inplace": False}),
    "elu": (F.elu, {"alpha": -1.0}),
    "threshold": (F.threshold, {"threshold": 1, "value": 2}),
}


@pytest.mark.parametrize("name", REFUSED_SETTINGS)
def test_settings_that_the_function_refuses(name):
    function, given = REFUSED_SETTINGS[name]
    agree(function, T("a", "b"), env=point, other=other, **given)
