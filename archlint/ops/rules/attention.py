"""Scaled dot product attention."""

from __future__ import annotations

import sys
from typing import Any

import torch

from archlint.ops.registry import NoRule, Path, TensorSpec, named_rule, refuse, shape_rule
from archlint.ops.shapes import type_promotion as promote
from archlint.ops.shapes.broadcast import broadcast, broadcast_onto
from archlint.ops.shapes.claims import claim_dtype, claim_equal, claim_least_ndim
from archlint.ops.shapes.strides import (
    Strides,
    decide,
    deferred,
    elementwise_strides,
    empty,
    settled,
    settled_strides,
)
from archlint.ops.torch_versions import FUSED_RANKS
from archlint.symbolic import Size, product
from archlint.symbolic.formula import conj, disj, eq, ge


def _flops(
    result: TensorSpec, query: TensorSpec, key: TensorSpec, value: TensorSpec, *_: Any, **__: Any
) -> Size:
    """The two products, query by key and scores by value; a mask changes nothing."""
    *batch, length, width = result.dims
    scores = product((2, *batch, length, key.dims[-2]))
    return scores * query.dims[-1] + scores * width


@shape_rule(torch.nn.functional.scaled_dot_product_attention, raises=(RuntimeError,), flops=_flops)
def scaled_dot_product_attention(
    path: Path,
    query: TensorSpec,
    key: TensorSpec,
    value: TensorSpec,
    attn_mask: TensorSpec | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> TensorSpec:
    """query (..., L, E), key (..., S, E), value (..., S, Ev) -> (..., L, Ev)."""
    for name, spec in (("query", query), ("key", key), ("value", value)):
        promote.floating(path, "attention", spec.dtype)
        if spec.dtype is not query.dtype:
            refuse(path, "query, key and value of one dtype")
        claim_least_ndim(path, name, spec, 2)
    if attn_mask is not None:
        if is_causal:
            raise NoRule("attn_mask beside is_causal=True")
        dtypes = dict.fromkeys((torch.bool, query.dtype, torch.float32))
        claim_dtype(path, "a mask", attn_mask, *dtypes)
    regular = attn_mask is None and _regular(query, key, value)
    if not regular and decide(path, disj(*(empty(s.dims) for s in (query, key, value)))):
        raise NoRule("no elements: hardly anything is checked")
    if attn_mask is not None and attn_mask.ndim < 2 and query.ndim == 4:
        raise NoRule("a mask that only some kernels take")
    *batch_q, length, e_q = query.dims
    *batch_k, s_k, e_k = key.dims
    *batch_v, s_v, e_v = value.dims
    if enable_gqa:
        batch_k = _repeated(path, batch_q, batch_k)
        batch_v = _repeated(path, batch_q, batch_v)
    claim_equal(path, e_q, e_k, "head sizes {} of query and {} of key equal")
    scores = (*broadcast(path, tuple(batch_q), tuple(batch_k)), length, s_k)
    if attn_mask is not None:
        text = "mask size {} at dimension %d equal to 1 or to score size {}"
        broadcast_onto(path, attn_mask.dims, scores, text)
    fused = query.ndim in FUSED_RANKS and path.known(eq(e_q, e_v)) is not False
    if fused and path.known(eq(s_k, s_v)) is not True:
        raise NoRule("lengths of key and value, which a kernel of the CPU does not compare")
    claim_equal(path, s_k, s_v, "lengths {} of key and {} of value equal")
    dims = (*broadcast(path, scores[:-2], tuple(batch_v)), length, e_v)
    if query.strides is None or dropout_p != 0:
        return query.like(dims)

    def settle(path: Path) -> Strides | None:
        if not _fused(path, query, key, value):
            return None
        like_query = query.like(dims, strides=elementwise_strides(path, [query], dims))
        return settled_strides(path, like_query)

    return query.like(dims, strides=deferred(path, dims, [query, key, value], settle))


def _regular(query: TensorSpec, key: TensorSpec, value: TensorSpec) -> bool:
    """Whether the sizes fit by their form, whatever they are."""
    batch = query.dims[:-2]
    return (
        batch == key.dims[:-2] == value.dims[:-2]
        and query.dims[-1] == key.dims[-1]
        and key.dims[-2] == value.dims[-2]
    )


def _repeated(path: Path, query: list[Size], other: list[Size]) -> list[Size]:
    """Batch sizes of key or value once its heads are repeated for the query's."""
    if not query or not other:
        refuse(path, "grouped heads at dimension -3")
    if path.known(ge(other[-1], 1)) is not True:
        raise NoRule("grouped heads that may be none")
    text = "query heads {} divisible by key or value heads {}"
    path.claim(eq(query[-1] % other[-1], 0), text, query[-1], other[-1])
    return [*other[:-1], query[-1]]


def _fused(path: Path, query: TensorSpec, key: TensorSpec, value: TensorSpec) -> bool:
    """Whether the CPU takes its fused kernel, which lays the output out as the query."""
    specs = [settled(path, s) for s in (query, key, value)]
    if query.ndim not in FUSED_RANKS:
        return False
    if any(s.strides is not None and s.strides[-1] != 1 for s in specs):
        return False
    *batch, length, e = query.dims
    for spec in (key, value):
        if (*spec.dims[:-2], spec.dims[-1]) != (*batch, e):
            return False
    return decide(path, conj(ge(length, 1), ge(key.dims[-2], 1)))


_WIDER = {torch.float64: torch.float64}
_FLEX = "torch.nn.attention.flex_attention"


@named_rule(f"{_FLEX}::flex_attention_hop")
def flex_attention(
    path: Path,
    query: TensorSpec,
    key: TensorSpec,
    value: TensorSpec,
    score_mod: Any,
    block_mask: tuple[Any, ...],
    *others: Any,
) -> tuple[TensorSpec, ...]:
    """What ``flex_attention`` calls once it has compared sizes; without a function of the scores.

    As in ``torch/_higher_order_ops/flex_attention.py``: the outputs, which lie in memory as the
    query does, and by query the logarithms of the sums and, in newer versions, the largest scores.
    """
    home = sys.modules[_FLEX]
    if score_mod is not getattr(home, "_identity", None):
        raise NoRule("a function of the scores")
    if block_mask[-1] is not getattr(home, "noop_mask", None):
        raise NoRule("a mask of blocks")
    pairs = [*zip(key.dims[:-1], value.dims[:-1], strict=True)]
    pairs += zip((*query.dims[:2], query.dims[-1]), (*key.dims[:2], key.dims[-1]), strict=True)
    regular = all(a == b or path.known(eq(a, b)) is True for a, b in pairs)
    if not regular or not query.dtype is key.dtype is value.dtype:
        raise NoRule("grouped heads, or a batch that is broadcast")
    if decide(path, disj(empty(query.dims), empty(value.dims), empty(key.dims))):
        raise NoRule("no elements")
    dims = (*query.dims[:-1], value.dims[-1])

    def settle(path: Path) -> Strides | None:
        like_query = query.like(dims, strides=elementwise_strides(path, [query], dims))
        return settled_strides(path, like_query)

    strides = None if query.strides is None else deferred(path, dims, [query], settle)
    scores = query.like(dims[:-1], _WIDER.get(query.dtype, torch.float32))
    count = 2 if hasattr(home, "AuxOutput") else 1
    return (query.like(dims, strides=strides), *[scores] * count)
