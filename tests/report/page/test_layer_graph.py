"""The edges of the page's graph are what the layers read."""

from __future__ import annotations

import torch
from torch import nn

from archlint.report.page.layer_graph import layer_graph
from tests.report.page.pages import Net, Skips, explained


def edges(model, input, at=None):
    """The edges by the names of the rows."""
    e = explained(model, input, at)
    rows = [step.row for step in e.unfolded]
    graph = layer_graph(e.path.trace, rows, [])
    names = [f"input {i}" for i in range(len(graph.inputs))]
    names += [row.module or row.kind for row in rows] + ["output"]
    return [(names[a], names[b]) for a, b in graph.edges], graph


class Writes(nn.Module):
    def forward(self, x, y):
        y = y * 2
        y[:, 0] = x[:, 0]
        a, b = torch.chunk(y, 2, dim=1)
        return {"sum": a + b, "y": y}


def test_a_skip_is_an_edge_past_the_module():
    found, _ = edges(Skips(), "N 3 H W", "8x8")
    assert found == [
        ("input 0", "block.0"),
        ("block.0", "block.1"),
        ("block.1", "block.2"),
        ("block.2", "up"),
        ("up", "add"),
        ("input 0", "add"),
        ("add", "output"),
    ]


def test_a_write_in_place_is_read_by_those_after_it():
    _, graph = edges(Writes(), {"x": "N 4", "y": "N 4"}, None)
    assert len(graph.inputs) == 2
    calls = {len(graph.readers()[r]) for r in graph.readers()}
    assert max(calls) == 2


def test_the_first_arguments_lead_back_to_the_input():
    _, graph = edges(Net(), "N 3 H W", "18x20")
    call, steps = len(graph.main) - 1, 0
    while call is not None and call >= 0:
        assert (graph.main[call] or -1) < call
        call, steps = graph.main[call], steps + 1
    assert call == -1
    assert steps == len(graph.main)


def test_a_refused_path_has_no_output():
    found, _ = edges(Net(), "N 3 H W", "18x20")
    assert not [edge for edge in found if "output" in edge]
