"""Recurrent layers as their modules call them, and single steps."""

from __future__ import annotations

import itertools

import pytest
import torch

import archlint.ops.rules.recurrent  # noqa: F401
from tests.ops.oracle import T, agree, covers

GATES = {torch.lstm: 4, torch.gru: 3, torch.rnn_tanh: 1, torch.rnn_relu: 1}
point = {"t": 3, "n": 2, "i": 4, "h": 5}
POINTS = [point, {**point, "t": 0}, {**point, "n": 0}, {**point, "i": 3}, {**point, "t": 1, "n": 1}]
FLAGS = list(itertools.product([False, True], repeat=3))


def params(gates, layers, directions, bias, proj):
    hidden, result = 5, []
    out = proj or hidden
    for layer in range(layers):
        for _ in range(directions):
            result.append(T(gates * hidden, 4 if layer == 0 else out * directions))
            result.append(T(gates * hidden, out))
            if bias:
                result += [T(gates * hidden), T(gates * hidden)]
            if proj:
                result.append(T(proj, hidden))
    return result


@covers(*GATES)
@pytest.mark.filterwarnings("ignore:RNN module weights", "ignore:LSTM with projections")
@pytest.mark.parametrize("function", GATES, ids=lambda f: f.__name__)
@pytest.mark.parametrize(("bias", "bidirectional", "batch_first"), FLAGS)
def test_layers(function, bias, bidirectional, batch_first):
    directions = 2 if bidirectional else 1
    for layers, proj, env in itertools.product([1, 2], [0, 3], POINTS):
        if function is torch.lstm:
            if env["i"] != 4:  # it reads past the weights; nn.LSTM asks first
                continue
        elif proj:
            continue
        weights = params(GATES[function], layers, directions, bias, proj)
        x = T("n", "t", "i") if batch_first else T("t", "n", "i")
        h, c = T(layers * directions, "n", proj or 5), T(layers * directions, "n", 5)
        hx = [h, c] if function is torch.lstm else h
        rest = (bias, layers, 0.0, False, bidirectional, batch_first)
        agree(function, x, hx, weights, *rest, env=env, other=point, layout=True)


@covers(torch.lstm_cell, torch.gru_cell, torch.rnn_tanh_cell, torch.rnn_relu_cell)
def test_steps():
    cells = {
        torch.lstm_cell: 4, torch.gru_cell: 3, torch.rnn_tanh_cell: 1, torch.rnn_relu_cell: 1,
    }  # fmt: skip
    for (function, gates), env in itertools.product(cells.items(), POINTS):
        for bias in ([], [T(gates * 5), T(gates * 5)]):
            h = T("n", "h")
            hx = [h, h] if function is torch.lstm_cell else h
            weights = T(gates * 5, 4), T(gates * 5, 5)
            agree(function, T("n", "i"), hx, *weights, *bias, env=env, other={**point, "h": 4})
