"""Recurrent layers and their single steps, as ``nn.LSTM`` and its kin call them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from archlint.ops.registry import NoRule, Path, TensorSpec, refuse, shape_rule
from archlint.ops.shapes.claims import claim_equal, claim_ndim, claim_same_sizes
from archlint.symbolic import Size, product
from archlint.symbolic.formula import ge


def _layers(
    path: Path,
    gates: int,
    input: TensorSpec,
    hidden: Sequence[TensorSpec],
    params: Sequence[TensorSpec],
    has_biases: bool,
    num_layers: int,
    bidirectional: bool,
    batch_first: bool,
) -> TensorSpec:
    """The output of the last layer. ``params``: per layer and direction w_ih, w_hh, biases."""
    claim_ndim(path, "an input", input, 3)
    directions = 2 if bidirectional else 1
    cells = num_layers * directions
    each = len(params) // cells
    projected = each == (5 if has_biases else 3)
    if len(params) != each * cells or each - projected != (4 if has_biases else 2):
        raise NoRule("parameters of another kind")
    batch, steps = input.dims[:2] if batch_first else (input.dims[1], input.dims[0])
    path.claim(ge(steps, 1), "sequence length {} > 0", steps)
    features = input.dims[2]
    states = [params[i * each + each - 1].dims[0] if projected else None for i in range(cells)]
    for i in range(cells):
        w_ih, w_hh = params[i * each], params[i * each + 1]
        if w_ih.dtype is not input.dtype:
            refuse(path, f"input and weights of one dtype, gets {input.dtype} and {w_ih.dtype}")
        if i % directions == 0 and i:
            features = _state(states[i - 1], params[(i - 1) * each + 1]) * directions
        claim_equal(path, features, w_ih.dims[1], "last size {} == input_size {}")
        if isinstance(w_hh.dims[0], int) and w_hh.dims[0] % gates:
            raise NoRule("weights of another kind")
    out = _state(states[-1], params[(cells - 1) * each + 1])
    for name, spec in zip(("hx", "cx"), hidden, strict=False):
        size = out if name == "hx" else params[1].dims[0] // gates
        want = (cells, batch, size)
        claim_ndim(path, name, spec, 3)
        claim_same_sizes(path, spec.dims, want, name + " size {} == expected size {}")
        if spec.dtype is not input.dtype:
            raise NoRule("mixed dtypes")
    dims = (batch, steps, out * directions) if batch_first else (steps, batch, out * directions)
    width = out * directions
    return input.like(dims, strides=(width, batch * width, 1) if batch_first else None)


def _layers_flops(
    result: Any,
    input: TensorSpec,
    hx: Any,
    params: Any,
    has_biases: Any,
    num_layers: Any,
    *settings: Any,
    **named: Any,
) -> Size:
    """Two for each weight, step and batch element; a bias counts nothing."""
    if input.ndim != 3 or not isinstance(params, (list, tuple)):
        raise NoRule("a packed sequence, whose length depends on values")
    return sum((product((2, *input.dims[:-1], *p.dims)) for p in params if p.ndim == 2), 0)


def _cell_flops(
    result: Any, input: TensorSpec, hx: Any, w_ih: TensorSpec, w_hh: TensorSpec, *_: Any, **__: Any
) -> Size:
    """Two for each weight and batch element."""
    batch = input.dims[:-1]
    return product((2, *batch, *w_ih.dims)) + product((2, *batch, *w_hh.dims))


def _state(projected: Size | None, w_hh: TensorSpec) -> Size:
    return w_hh.dims[1] if projected is None else projected


def _of_packed(
    path: Path,
    gates: int,
    data: TensorSpec,
    batch_sizes: TensorSpec,
    hidden: Sequence[TensorSpec],
    *settings: Any,
) -> TensorSpec:
    """The output for a packed sequence: data (total length, features)."""
    params, has_biases, num_layers, _, _, bidirectional = settings
    batch = batch_sizes.elements.first
    if batch is None or batch_sizes.ndim != 1 or data.ndim != 2:
        raise NoRule("a packed sequence whose batch size is not known")
    step = data.like((1, batch, data.dims[1]))
    one = _layers(path, gates, step, hidden, params, has_biases, num_layers, bidirectional, False)
    return data.like((data.dims[0], one.dims[2]))


@shape_rule(torch.lstm, flops=_layers_flops)
def lstm(
    path: Path,
    input: TensorSpec,
    hx: Any,
    params: Any,
    has_biases: Any,
    num_layers: Any,
    dropout: Any,
    train: Any,
    bidirectional: Any,
    batch_first: Any = False,
) -> tuple[TensorSpec, TensorSpec, TensorSpec]:
    if isinstance(hx, TensorSpec):  # a packed sequence: the batch sizes, and all one place later
        rest = (has_biases, num_layers, dropout, train, bidirectional, batch_first)
        h, c = params
        return _of_packed(path, 4, input, hx, (h, c), *rest), h.like(h.dims), c.like(c.dims)
    h, c = hx
    output = _layers(
        path, 4, input, (h, c), params, has_biases, num_layers, bidirectional, batch_first
    )
    return output, h.like(h.dims), c.like(c.dims)


def _register_plain(function: Any, gates: int) -> None:
    def rule(
        path: Path,
        input: TensorSpec,
        hx: TensorSpec,
        params: Any,
        has_biases: Any,
        num_layers: Any,
        dropout: Any,
        train: Any,
        bidirectional: Any,
        batch_first: Any = False,
    ) -> tuple[TensorSpec, TensorSpec]:
        if isinstance(params, TensorSpec):  # a packed sequence
            rest = (has_biases, num_layers, dropout, train, bidirectional, batch_first)
            return _of_packed(path, gates, input, hx, (params,), *rest), params.like(params.dims)
        output = _layers(
            path, gates, input, (hx,), params, has_biases, num_layers, bidirectional, batch_first
        )
        return output, hx.like(hx.dims)

    rule.__name__ = function.__name__
    shape_rule(function, flops=_layers_flops)(rule)


_register_plain(torch.gru, 3)
_register_plain(torch.rnn_tanh, 1)
_register_plain(torch.rnn_relu, 1)


def _cell(
    path: Path, input: TensorSpec, hx: TensorSpec, w_ih: TensorSpec, w_hh: TensorSpec
) -> TensorSpec:
    """One step: input (N, input_size), hx (N, hidden_size)."""
    if input.ndim != 2 or hx.ndim != 2:
        raise NoRule("a step without a batch")
    if w_ih.dtype is not input.dtype or hx.dtype is not input.dtype:
        raise NoRule("mixed dtypes")
    claim_equal(path, input.dims[1], w_ih.dims[1], "last size {} == input_size {}")
    claim_equal(path, hx.dims[1], w_hh.dims[1], "last size of hx {} == hidden_size {}")
    claim_equal(path, hx.dims[0], input.dims[0], "batch of hx {} == batch of input {}")
    return hx.like(hx.dims)


@shape_rule(torch.gru_cell, torch.rnn_tanh_cell, torch.rnn_relu_cell, flops=_cell_flops)
def gru_cell(
    path: Path,
    input: TensorSpec,
    hx: TensorSpec,
    w_ih: TensorSpec,
    w_hh: TensorSpec,
    b_ih: TensorSpec | None = None,
    b_hh: TensorSpec | None = None,
) -> TensorSpec:
    return _cell(path, input, hx, w_ih, w_hh)


@shape_rule(torch.lstm_cell, flops=_cell_flops)
def lstm_cell(
    path: Path,
    input: TensorSpec,
    hx: Any,
    w_ih: TensorSpec,
    w_hh: TensorSpec,
    b_ih: TensorSpec | None = None,
    b_hh: TensorSpec | None = None,
) -> tuple[TensorSpec, TensorSpec]:
    h, c = hx
    if c.dims != h.dims or c.dtype is not h.dtype:
        raise NoRule("states of different sizes")
    state = _cell(path, input, h, w_ih, w_hh)
    return state, state
