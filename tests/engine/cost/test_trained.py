"""Parameters that a step can train, against which of a real step's have gradients."""

import torch
from torch import nn

import archlint
from archlint.engine.cost.trained import trained
from tests.engine.cost.test_saved import explored


class Student(nn.Module):
    """A teacher without gradients, a layer that nothing reads, and one that large images take."""

    def __init__(self):
        super().__init__()
        self.teacher, self.spare = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 1)
        self.small, self.large = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 1)
        self.scale = nn.utils.parametrizations.weight_norm(nn.Linear(4, 4))

    def forward(self, x):
        with torch.no_grad():
            wanted = self.teacher(x)
        layer = self.large if x.shape[-1] > 64 else self.small
        found = self.scale(layer(x).movedim(1, -1)).movedim(-1, 1)
        return (found - wanted).square().mean()


def test_what_some_size_trains():
    model = Student()
    _, exploration = explored(model, "N 3 H W")
    for side in (8, 65):
        model(torch.rand(1, 3, side, side)).backward()
    real = {name for name, p in model.named_parameters() if p.grad is not None}
    # What a parametrization computes from weights alone was read, too.
    assert real == {
        n for n, _ in model.named_parameters() if not n.startswith(("teacher", "spare"))
    }
    cost = archlint.cost(model, "N 3 H W", optimizer="adam")
    assert cost.training.gradient_bytes == sum(
        p.nbytes for n, p in model.named_parameters() if n in real
    )
    assert cost.training.optimizer_bytes == 2 * cost.training.gradient_bytes
    assert trained([p.trace for p in exploration.accepting], [nn.Linear(1, 1)]) == set()
