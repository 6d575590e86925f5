"""The contracts: true ones and false ones, about real models and about small ones."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import timm
import torchvision
from torch import nn

from .case import Case, Range, side, sides
from .contracts_bounded import BOUNDED
from .contracts_small import SMALL

Builder = Callable[[], nn.Module]


def tv(name: str, **kwargs: Any) -> Builder:
    """A model of torchvision, with random weights."""
    return functools.partial(torchvision.models.get_model, name, weights=None, **kwargs)


def tm(name: str, **kwargs: Any) -> Builder:
    """A model of timm, with random weights."""
    return functools.partial(timm.create_model, name, pretrained=False, **kwargs)


segmenter = functools.partial(
    torchvision.models.segmentation.fcn_resnet50, weights=None, weights_backbone=None
)

TORCHVISION = [
    Case("resnet18, any size", tv("resnet18"), sides(1), True),
    Case("resnet18, 512 classes", tv("resnet18"), sides(32), False, "N 512", witness=side(32)),
    Case("resnet50, from 32", tv("resnet50"), sides(32), True),
    Case(
        "resnet18 in training, one image",
        tv("resnet18"),
        sides(32),
        False,
        mode="train",
        witness=side(32),
    ),
    Case("resnet18 in training, from two", tv("resnet18"), sides(1, batch=2), True, mode="train"),
    Case("alexnet, from 63", tv("alexnet"), sides(63), True),
    Case("alexnet, from 62", tv("alexnet"), sides(62), False, witness=side(62)),
    Case(
        "alexnet, none below 63",
        tv("alexnet"),
        {"N": Range(1), "H": Range(1, 62), "W": Range(1)},
        True,
        None,
        kind="rejects",
    ),
    Case("vgg11, from 32", tv("vgg11"), sides(32), True),
    Case("vgg11, from 31", tv("vgg11"), sides(31), False, witness=side(31)),
    Case("squeezenet1_1, from 17", tv("squeezenet1_1"), sides(17), True),
    Case("googlenet, from 15", tv("googlenet", init_weights=False), sides(15), True),
    Case("inception_v3, from 75", tv("inception_v3", init_weights=False), sides(75), True),
    Case(
        "inception_v3, from 74",
        tv("inception_v3", init_weights=False),
        sides(74),
        False,
        witness=side(74),
    ),
    Case("densenet121, from 29", tv("densenet121"), sides(29), True),
    Case("mobilenet_v3_small, any size", tv("mobilenet_v3_small"), sides(1), True),
    Case("efficientnet_b0, any size", tv("efficientnet_b0"), sides(1), True),
    Case("regnet_y_400mf, any size", tv("regnet_y_400mf"), sides(1), True),
    Case("shufflenet_v2_x1_0, any size", tv("shufflenet_v2_x1_0"), sides(1), True),
    Case("convnext_tiny, from 32", tv("convnext_tiny"), sides(32), True),
    Case("vit_b_32, 224 alone", tv("vit_b_32"), sides(224, 224), True),
    Case("vit_b_32, from 224", tv("vit_b_32"), sides(224), False, witness=side(224, 225)),
    Case("swin_t, from 4", tv("swin_t"), sides(4), True),
    Case("fcn_resnet50, a map of the image's size", segmenter, sides(8), True, {"out": "N 21 H W"}),
    Case(
        "mc3_18, clips of any length",
        tv("mc3_18"),
        {"N": Range(), "T": Range(1, 64), "H": Range(), "W": Range()},
        True,
        "N 400",
        {"x": "N 3 T H W"},
    ),
]

TIMM = [
    Case("hrnet_w18_small, multiples of 32", tm("hrnet_w18_small"), sides(32, step=32), True),
    Case("hrnet_w18_small, from 32", tm("hrnet_w18_small"), sides(32), False, witness=side(33)),
    Case("dla34, multiples of 32", tm("dla34"), sides(32, step=32), True),
    Case("dla34, multiples of 16", tm("dla34"), sides(32, step=16), False, witness=side(48)),
    Case("vit_tiny, 224 alone", tm("vit_tiny_patch16_224"), sides(224, 224), True),
    Case("vit_tiny, from 224", tm("vit_tiny_patch16_224"), sides(224), False, witness=side(225)),
    Case("levit_128s, 209 to 224", tm("levit_128s"), sides(209, 224), True),
    Case("levit_128s, 208 to 224", tm("levit_128s"), sides(208, 224), False, witness=side(208)),
    Case("mobilevitv2_050, from 33", tm("mobilevitv2_050"), sides(33), True),
    Case("mobilevitv2_050, any size", tm("mobilevitv2_050"), sides(1), True),
    Case(
        "mobilevitv2_050, a map",
        tm("mobilevitv2_050", num_classes=0, global_pool=""),
        sides(32),
        False,
        "N 256 H//32 W//32",
        witness=side(33),
    ),
]

CASES = [*TORCHVISION, *TIMM, *SMALL, *BOUNDED]
