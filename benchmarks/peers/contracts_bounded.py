"""Contracts with bounds, as deployment tools have them: a batch of at most 16, sides in a range."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

import torchvision
from torch import nn

from . import models as own
from . import sequences
from .case import Case, Point, Range, side

GREY = {"x": "N 1 H W"}
IDS = {"ids": "N T"}


def box(low: int, high: int, step: int = 1, batch: int = 16) -> dict[str, Range]:
    """At most ``batch`` images, and the same range for H and W."""
    return {"N": Range(1, batch), "H": Range(low, high, step), "W": Range(low, high, step)}


def length(low: int, high: int | None, step: int = 1, name: str = "T") -> dict[str, Range]:
    """At most 8 sequences, and a range for their length."""
    return {"N": Range(1, 8), name: Range(low, high, step)}


def _pair(
    about: str, build: Callable[[], nn.Module], good: tuple[str, Mapping[str, Range]],
    bad: tuple[str, Mapping[str, Range]], witness: Point, output: str,
    inputs: Mapping[str, str] | None = None, below: Mapping[str, int] | None = None,
) -> list[Case]:  # fmt: skip
    """A true contract and a false one about the same model."""
    shapes, below = inputs or {"x": "N 3 H W"}, below or {}
    return [
        Case(f"{about}, {good[0]}", build, good[1], True, output, shapes, below),
        Case(f"{about}, {bad[0]}", build, bad[1], False, output, shapes, below, witness=witness),
    ]


def _tv(name: str) -> Callable[[], nn.Module]:
    return functools.partial(torchvision.models.get_model, name, weights=None)


BOUNDED = [
    Case("resnet18 in a box, 32 to 512", _tv("resnet18"), box(32, 512), True),
    Case("resnet18 in a box, 512 classes", _tv("resnet18"), box(32, 256), False, "N 512",
         witness=side(32)),
    *_pair("alexnet in a box", _tv("alexnet"), ("63 to 256", box(63, 256)),
           ("56 to 256", box(56, 256)), side(56), "N 1000"),
    *_pair("squeezenet in a box", _tv("squeezenet1_1"), ("17 to 128", box(17, 128)),
           ("16 to 128", box(16, 128)), side(16), "N 1000"),
    *_pair("vgg11 in a box", _tv("vgg11"), ("32 to 128", box(32, 128)), ("31 to 128",
           box(31, 128)), side(31), "N 1000"),
    *_pair("flatten in a box", own.FlatHead, ("28 to 31", box(28, 31)), ("28 to 32",
           box(28, 32)), side(28, 32), "N 10", GREY),
    *_pair("flatten by view in a box", own.MixingHead, ("28 to 31", box(28, 31)), ("28 to 56",
           box(28, 56)), side(28, 56), "N 10", GREY),
    *_pair("U-Net in a box", own.UNet, ("16 to 256 by 16", box(16, 256, 16)), ("16 to 256 by 8",
           box(16, 256, 8)), side(16, 24), "N 2 H W"),
    *_pair("auto-encoder in a box", own.AutoEncoder, ("8 to 512 by 8", box(8, 512, 8)),
           ("8 to 512", box(8, 512)), side(8, 9), "N 3 H W"),
    *_pair("patches in a box", own.Patches, ("16 to 224 by 16", box(16, 224, 16)),
           ("16 to 224 by 4", box(16, 224, 4)), side(16, 20), "N (H//16)*(W//16) 32"),
    *_pair("4,096 places in a box", own.Table, ("sides to 64", box(1, 64)), ("sides to 65",
           box(1, 65)), side(65), "N H*W 16"),
    *_pair("64 positions in a box", sequences.Decoder, ("T to 64", length(1, 64)), ("T to 128",
           length(1, 128)), {"N": 1, "T": 65}, "N T 1000", IDS, {"ids": 1000}),
    *_pair("waveform in a box", sequences.Audio, ("465 to 16,000", length(465, 16000)),
           ("400 to 16,000", length(400, 16000)), {"N": 1, "T": 400}, "N 8", {"x": "N 1 T"}),
    *_pair("windows of 7 in a box", own.Windows, ("7 to 48", box(7, 48)), ("1 to 64", box(1, 64)),
           side(49, 1), "N 3"),
    *_pair("plain convolutions in a box", own.plain_conv, ("5 to 64", box(5, 64)), ("4 to 64",
           box(4, 64)), side(4), "N 16 1 1"),
    Case("plain layers in a box, T to 64", sequences.plain_linear, length(1, 64), True, "N T 5",
         {"x": "N T 64"}),
    Case("plain layers in a box, 60 to 64 features", sequences.plain_linear,
         length(60, 64, name="F"), False, "N 5", {"x": "N F"}, witness={"N": 1, "F": 60}),
]  # fmt: skip
