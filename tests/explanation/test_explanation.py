"""The sizes in an explanation, held to hooks in real runs of the models."""

import pytest
import torch
from torch import nn

import archlint
from archlint.symbolic import evaluate
from tests.engine.structure.test_pooled_before_linear import FREE, IMAGE, TIED
from tests.explanation.test_tied_weights import REBUILT


def small(name, *layers, input=IMAGE, **sizes):
    return pytest.param(nn.Sequential(*layers), input, sizes or {"H": 16, "W": 16}, id=name)


def _image_size(name):
    size = {"ViT": 16, "interpolated positions": 16, "resized by Python": 9}.get(name, 8)
    return {"H": size, "W": size}


IMAGES = {n: m for n, m in {**TIED, **FREE}.items() if any(m.children())}
SIZES = {"T": 7, "H": 8, "W": 8, "F": 16}
MODELS = [
    *(pytest.param(m, IMAGE, _image_size(n), id=n) for n, m in IMAGES.items()),
    *(
        pytest.param(kind(*args), input, SIZES | fits, id=kind.__name__)
        for (kind, args, input, _, _), fits in zip(
            REBUILT[:11],
            ({"H": 16, "W": 16}, {}, {}, {"H": 4, "W": 4}, {}, {"T": 16}, {}, {}, {}, {}, {"F": 8}),
            strict=True,
        )
    ),
    small("strides", nn.Conv2d(3, 4, 3, 2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 2, 1)),
    small("up", nn.ConvTranspose2d(3, 4, 4, 2, 1), nn.Upsample(scale_factor=2), nn.PixelShuffle(2)),
    small("pads", nn.ReflectionPad2d(3), nn.AvgPool2d(3, 2, ceil_mode=True), nn.ZeroPad2d(1)),
    small("norms", nn.Conv2d(3, 8, 1), nn.GroupNorm(2, 8), nn.InstanceNorm2d(8), nn.Softmax2d()),
    small("signal", nn.Conv1d(2, 4, 9, 4), nn.MaxPool1d(2), nn.GLU(1), input="N 2 T", T=99),
    small("reused", *[nn.Conv2d(3, 3, 3)] * 2, nn.ReLU()),
    small("volume", nn.Conv3d(1, 2, 3), nn.AdaptiveMaxPool3d(2), input="N 1 D H W", D=5, H=6, W=7),
]  # fmt: skip


@pytest.mark.parametrize(("model", "input", "sizes"), MODELS)
def test_the_sizes_of_each_layer_are_those_of_a_real_run(model, input, sizes):
    model.eval()
    names = [n for n in ("N", "D", "T", "H", "W", "F") if n in input.split()]
    point = {"N": 1, **{n: sizes[n] for n in names if n in sizes}}
    explanation = archlint.explain(model, input, at=point)
    assert explanation.accepted
    dims = [point.get(d, d) for d in input.split()]
    shapes = {}

    def record(name):
        def hook(module, args, output):
            first = output[0] if isinstance(output, tuple) else output
            shapes.setdefault(name, []).append(tuple(first.shape))

        return hook

    modules = ((n, m) for n, m in model.named_modules() if "parametrizations" not in n)
    leaves = {n: m for n, m in modules if n and (not any(m.children()))}
    hooks = [m.register_forward_hook(record(n)) for n, m in leaves.items()]
    with torch.no_grad():
        model(torch.zeros([int(d) for d in dims]))
    for hook in hooks:
        hook.remove()
    rows = {}
    for row in (s.row for s in explanation.unfolded):
        if row.module in leaves:
            size = tuple(evaluate(d, explanation.point) for d in row.dims)
            rows.setdefault(row.module, []).append(size)
    assert rows == {name: each for name, each in shapes.items() if name in rows}
    silent = {n for n in shapes if isinstance(leaves[n], (nn.Identity, nn.Dropout))}
    assert shapes.keys() - rows.keys() <= silent
