"""What one argument of a constructor sets, against layers that are built for other sizes."""

import pytest
from torch import nn

from archlint.engine.weights.shared_arguments import with_shared_arguments
from archlint.engine.weights.ties import Tie
from archlint.symbolic import symbol


@pytest.mark.parametrize(
    ("layer", "name", "dim", "rebuilt"),
    [
        (nn.MultiheadAttention(8, 2), "in_proj_weight", 1, nn.MultiheadAttention(6, 2)),
        (nn.MultiheadAttention(8, 2, bias=False), "in_proj_weight", 1,
         nn.MultiheadAttention(6, 2, bias=False)),
        (nn.Linear(8, 8), "weight", 1, nn.Linear(6, 8)),
        (nn.Linear(8, 8), "weight", 0, nn.Linear(8, 6)),
        (nn.Bilinear(8, 8, 4), "weight", 2, nn.Bilinear(8, 6, 4)),
        (nn.Conv1d(8, 8, 8), "weight", 1, nn.Conv1d(6, 8, 8)),
        (nn.BatchNorm1d(8), "weight", 0, nn.BatchNorm1d(6)),
        (nn.LSTMCell(8, 2), "weight_ih", 1, nn.LSTMCell(6, 2)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["", "body.0"])
def test_what_one_argument_sets_changes_together(layer, name, dim, rebuilt, path):
    model = nn.ModuleDict({"body": nn.Sequential(layer)}) if path else layer
    prefix = f"{path}." if path else ""
    shape = tuple(layer.get_parameter(name).shape)
    tie = Tie(prefix + name, shape, dim, symbol("W"), False, claim=None)
    needed = {n: list(p.shape) for n, p in model.named_parameters()}
    for each in with_shared_arguments(model, [tie]):
        needed[each.name][each.dim] = each.at({"W": 6})[each.dim]
    assert needed == {prefix + n: list(p.shape) for n, p in rebuilt.named_parameters()}


def test_a_layer_of_the_user_is_not_built_again():
    class Users(nn.Linear):
        def __init__(self, in_features):
            super().__init__(in_features, in_features)

    tie = Tie("weight", (8, 8), 1, symbol("W"), False, claim=None)
    assert with_shared_arguments(Users(8), [tie]) == [tie]
