"""The fx graph of a trace."""

import torch
from torch import fx, nn

from archlint.contracts.contract import TensorInput
from archlint.symbolic import symbol
from archlint.symbolic.intervals import Box
from archlint.tracing import fx_graph as graph
from archlint.tracing.tracer import trace

N, H, W = map(symbol, "NHW")
BOX = Box({"N": (1, None), "H": (1, None), "W": (1, None)})
IMAGE = TensorInput((N, 3, H, W))
AT = {"N": 1, "H": 32, "W": 32}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.fc = nn.Linear(4 * 16 * 16, 5)

    def forward(self, x):
        x = self.conv(x).relu_()
        left, right = x.split(2, dim=1)
        return self.fc(torch.cat([left, right], 1).flatten(1))


def made(model=None):
    model = model or Net()
    walked = trace(model, IMAGE, AT, BOX)
    return walked, graph.graph_of(walked, model)


def nodes(g, op):
    return [n for n in g.nodes if n.op == op]


def test_a_node_per_call_in_the_order_of_the_calls():
    walked, g = made()
    calls = [n for n in nodes(g, "call_function") if n.meta["call"] >= 0]
    assert isinstance(g, fx.Graph)
    assert list(dict.fromkeys(n.meta["call"] for n in calls)) == list(range(len(walked.calls)))


def test_sizes_are_formulas():
    _, g = made()
    conv = nodes(g, "call_function")[0]
    assert " ".join(map(str, conv.meta["shape"])) == "N 4 ceil(H/2) ceil(W/2)"
    assert nodes(g, "placeholder")[0].meta["shape"] == (N, 3, H, W)


def test_weights_go_by_their_own_names():
    _, g = made()
    assert {n.target for n in nodes(g, "get_attr")} == {
        "conv.weight", "conv.bias", "fc.weight", "fc.bias",
    }  # fmt: skip


def test_without_the_model_weights_are_constants():
    walked, _ = made()
    assert {n.target for n in graph.graph_of(walked).nodes if n.op == "get_attr"} == {"constant"}


def test_place_and_claims():
    _, g = made()
    linear = nodes(g, "call_function")[-1]
    assert linear.meta["module"] == "fc"
    assert "test_fx_graph.py:" in linear.meta["source"]
    assert [c.needs() for c in linear.meta["claims"]] == [
        "in_features 1024 == last size 4*ceil(H/2)*ceil(W/2)"
    ]


def test_values_flow_from_the_input_to_the_output():
    _, g = made()
    seen, todo = set(), list(nodes(g, "output"))
    while todo:
        node = todo.pop()
        if node not in seen:
            seen.add(node)
            todo += node.all_input_nodes
    assert seen == set(g.nodes)
    g.lint()


def test_a_write_in_place_is_what_later_calls_see():
    class Writes(nn.Module):
        def forward(self, x):
            y = x * 2
            y[:, 0] = 0
            y.add_(1)
            return y + 1

    _, g = made(Writes())
    calls = nodes(g, "call_function")
    assert [n.all_input_nodes for n in calls[1:]] == [[n] for n in calls[:-1]]


def test_a_refused_path_ends_without_an_output():
    model = nn.Sequential(nn.Conv2d(3, 4, 64), nn.ReLU())
    walked = trace(model, IMAGE, AT, BOX)
    g = graph.graph_of(walked, model)
    assert walked.outcome == "refused"
    assert not nodes(g, "output")
    assert [c.held for c in nodes(g, "call_function")[-1].meta["claims"]] == [False]
