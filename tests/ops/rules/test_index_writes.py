"""Writes at the places of index tensors, against the real operators."""

from __future__ import annotations

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

import archlint.ops.rules.index_writes  # noqa: F401
from archlint.ops.aliases import methods, spellings
from archlint.ops.registry import RULES
from tests.ops.oracle import HintPath, T, agree, covers
from tests.ops.rules.test_gather import dtypes, low
from tests.ops.rules.test_indexing import ids
from tests.ops.rules.test_view import dim, few, sizes, tensors

vectors = st.sampled_from([("b",), (), (2,), (1,), (1, 1), (0,), ("a",)])
sources = st.sampled_from(
    [("a", "b"), ("b", "b"), ("a", 2), ("b",), ("a",), (2, "b"), (0, "b"), ("a", "b", "c"), (1, 1)]
)


@covers(*spellings("index_add"), *methods("index_add_"))
@pytest.mark.parametrize("op", [*spellings("index_add"), *methods("index_add_")])
@few
@given(sizes, sizes, tensors(3), dim, vectors, low, dtypes, sources)
def test_index_add(op, env, other, x, d, dims, start, dtype, source):
    index = ids(*dims, low=start, dtype=dtype)
    agree(op, x, d, index, T(*source), env=env, other=other, may_lack_rule=not (x.dims and source))


@covers(*spellings("index_reduce"), *methods("index_reduce_"))
@pytest.mark.parametrize("op", [*spellings("index_reduce"), *methods("index_reduce_")])
@few
@given(
    sizes,
    sizes,
    tensors(3),
    st.tuples(dim, vectors, low, sources),
    st.sampled_from(["prod", "mean", "amax", "amin", "sum"]),
    st.booleans(),
)
@pytest.mark.filterwarnings("ignore:index_reduce.*beta")
def test_index_reduce(op, env, other, x, call, reduce, include):
    d, dims, start, source = call
    arguments = d, ids(*dims, low=start), T(*source), reduce
    lacks = not (x.dims and source)
    agree(op, x, *arguments, include_self=include, env=env, other=other, may_lack_rule=lacks)


@covers(*spellings("put"), *methods("put_"))
@pytest.mark.parametrize("op", [*spellings("put"), *methods("put_")])
@few
@given(sizes, sizes, tensors(3), vectors, low, dtypes, sources, st.booleans())
def test_put(op, env, other, x, dims, start, dtype, source, accumulate):
    index = ids(*dims, low=start, dtype=dtype)
    agree(op, x, index, T(*source), accumulate, env=env, other=other)
    agree(op, x, index, T(*dims), env=env, other=other)


@covers(*spellings("index_copy"), *methods("index_copy_"))
@pytest.mark.parametrize("op", [*spellings("index_copy"), *methods("index_copy_")])
@few
@given(sizes, sizes, tensors(3), dim, vectors, low, dtypes, sources)
def test_index_copy(op, env, other, x, d, dims, start, dtype, source):
    index = ids(*dims, low=start, dtype=dtype)
    agree(op, x, d, index, T(*source), env=env, other=other, may_lack_rule=not (x.dims and source))


@covers(*spellings("index_fill"), *methods("index_fill_"))
@pytest.mark.parametrize("op", [*spellings("index_fill"), *methods("index_fill_")])
@few
@given(sizes, sizes, tensors(3), dim, vectors, low, st.sampled_from([2, 1.5, T(), T(1)]))
def test_index_fill(op, env, other, x, d, dims, start, value):
    index = ids(*dims, low=start)
    agree(op, x, d, index, value, env=env, other=other, may_lack_rule=not x.dims)


@covers(*spellings("index_put", "index_put_"))
@pytest.mark.parametrize("op", spellings("index_put", "index_put_"))
@few
@given(
    sizes,
    sizes,
    tensors(3),
    st.lists(st.builds(ids, st.sampled_from(["a", "b", 2]), low=low), min_size=1, max_size=3),
    sources,
    st.booleans(),
)
def test_index_put(op, env, other, x, indices, source, accumulate):
    assume(len(indices) <= len(x.dims))
    agree(op, x, tuple(indices), T(*source), accumulate, env=env, other=other)


@covers(*spellings("masked_scatter"), *methods("masked_scatter_"))
@pytest.mark.parametrize("op", [*spellings("masked_scatter"), *methods("masked_scatter_")])
@few
@given(sizes, sizes, tensors(3), sources, st.sampled_from([torch.float32, torch.float64]))
def test_masked_scatter(op, env, other, x, mask, dtype):
    source = T("a", "b", "c", "d", 16, dtype=dtype)
    assume(all(env.values()) and all(other.values()))
    agree(op, x, T(*mask, dtype=torch.bool), source, env=env, other=other)


def test_a_source_that_may_be_too_short_is_not_proved():
    path = HintPath({"a": 4, "b": 3})
    args = T("a"), T("a", dtype=torch.bool), T("b")
    RULES[torch.masked_scatter](path, *(t.spec(None) for t in args))
    assert path.caveats == [
        "tensor values determine whether the source has an element for each True in the mask"
    ]


ZERO = T(1, 1, dtype=torch.int64, values=(0, 0))
FIRST = T(1, dtype=torch.int64, values=(0, 0))
WRITES = {
    "scatter": (torch.scatter, 1, ZERO, 1.0),
    "scatter of a source": (torch.scatter, 1, ZERO, T("a", "b")),
    "scatter_add": (torch.scatter_add, 1, ZERO, T("a", "b")),
    "scatter_reduce": (torch.scatter_reduce, 1, ZERO, T("a", "b"), "amax"),
    "index_add": (torch.index_add, 1, FIRST, T("a", 1)),
    "index_copy": (torch.index_copy, 1, FIRST, T("a", 1)),
    "index_reduce": (torch.index_reduce, 1, FIRST, T("a", 1), "prod"),
    "index_fill": (torch.index_fill, 1, FIRST, 0.0),
    "index_put": (torch.index_put, (FIRST,), T()),
    "put": (torch.put, FIRST, T(1)),
    "masked_fill": (torch.masked_fill, T("a", "b", dtype=torch.bool), 0.0),
    "masked_scatter": (torch.masked_scatter, T("a", "b", dtype=torch.bool), T("a", "b")),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_where_a_copy_lies(write):
    function, *args = write
    for perm in ((1, 0), None):
        x = T("a", "b", perm=perm)
        agree(function, x, *args, env={"a": 3, "b": 4}, other={"a": 5, "b": 2}, layout=True)
