"""Arguments that calls in the project state, and usual ones."""

import pytest

from archlint.project.discover.candidates import discover

NETS = """
from torch import nn

class Net(nn.Module):
    def __init__(self, {}):
        super().__init__()

    def forward(self, x):
        return x
"""


@pytest.mark.parametrize(
    ("parameters", "calls", "kwargs"),
    [
        ("width, depths", "Net(16, (2, 3))", {"width": 16, "depths": [2, 3]}),
        ("width, act=None, bias=True", "Net(8, act='relu')", {"width": 8, "act": "relu"}),
        ("width, *, rate", "Net(width=4, rate=-0.5)", {"width": 4, "rate": -0.5}),
        ("width, rate=0.1", "Net(args.w); Net(32, rate=args.r)", {"width": 32}),
        ("width, depth", "Net(args.w, 3); Net(4, args.d)", {"width": "...", "depth": "..."}),
        ("width", "Net(*args); Net(**args); Net(1, 2)", {"width": "..."}),
        ("weights_file", "Net('runs/best.pt')", {"weights_file": "..."}),
        ("name", "Net('org/pretrained-base')", {"name": "..."}),
        ("width", "other.Net(5)", {"width": "..."}),
        ("num_classes", "", {"num_classes": 10}),
        ("n_channels, n_classes, bilinear=False", "", {"n_channels": 3, "n_classes": 10}),
        ("num_classes", "Net(7)", {"num_classes": 7}),
        ("in_channels", "", {"in_channels": "..."}),
        ("num_classes, depth", "", {"num_classes": "...", "depth": "..."}),
    ],
)
def test_arguments_of_calls(tmp_path, parameters, calls, kwargs):
    (tmp_path / "nets.py").write_text(NETS.format(parameters))
    (tmp_path / "train.py").write_text(
        f"import other\nfrom nets import Net\n\n\ndef main(args):\n    {calls or '...'}\n"
    )
    found = discover(tmp_path, tmp_path)
    (model,) = [*found.buildable, *found.needing]
    assert model.kwargs(tmp_path) == kwargs
    assert bool(model.needs) is ("..." in kwargs.values())
