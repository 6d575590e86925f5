"""Boxes: non-maximum suppression, and regions read from feature maps.

How many boxes are kept is decided by values; which boxes they are changes no size.
"""

from __future__ import annotations

from typing import Any

import torch

from archlint.ops.registry import NoRule, Path, TensorSpec, named_rule
from archlint.ops.shapes.claims import claim_dtype, claim_ndim
from archlint.ops.traits import Bounds
from archlint.symbolic import Size, minimum
from archlint.symbolic.formula import conj, eq, ge


@named_rule("torchvision::nms", bounds=Bounds.UNKNOWN)
def nms(path: Path, dets: TensorSpec, scores: TensorSpec, iou_threshold: Any) -> TensorSpec:
    """Boxes that overlap no better one: of some boxes at least the best."""
    claim_ndim(path, "boxes", dets, 2)
    path.claim(eq(dets.dims[1], 4), "4 numbers for each box, gets {}", dets.dims[1])
    claim_ndim(path, "scores", scores, 1)
    boxes, scored = dets.dims[0], scores.dims[0]
    path.claim(eq(boxes, scored), "a score for each of {} boxes, gets {}", boxes, scored)
    claim_dtype(path, "scores", scores, dets.dtype)
    if dets.dtype not in (torch.float32, torch.float64):
        raise NoRule
    return _kept(path, dets, boxes)


@named_rule(
    "torchvision.ops:batched_nms",
    "torchvision.ops.boxes:batched_nms",
    "torchvision.ops.boxes:_batched_nms_vanilla",
    "torchvision.ops.boxes:_batched_nms_coordinate_trick",
    bounds=Bounds.UNKNOWN,
)
def batched_nms(
    path: Path, boxes: TensorSpec, scores: TensorSpec, idxs: TensorSpec, iou_threshold: Any
) -> TensorSpec:
    """The same, for each class by itself."""
    if (boxes.ndim, scores.ndim, idxs.ndim) != (2, 1, 1) or boxes.dims[1] != 4:
        raise NoRule
    count = boxes.dims[0]
    alike = conj(eq(count, scores.dims[0]), eq(count, idxs.dims[0]))
    if path.known(alike) is not True or boxes.dtype is not scores.dtype:
        raise NoRule  # what is refused then depends on values
    if boxes.dtype not in (torch.float32, torch.float64) or idxs.dtype is not torch.int64:
        raise NoRule
    return _kept(path, boxes, count)


def _kept(path: Path, like: TensorSpec, boxes: Size) -> TensorSpec:
    """The indices that non-maximum suppression keeps of so many boxes."""
    count = path.unknown("nms", minimum(1, boxes), boxes)
    return like.like((count,), torch.int64, values=(0, boxes - 1))


@named_rule("torchvision::roi_align")
def roi_align(
    path: Path,
    input: TensorSpec,
    rois: TensorSpec,
    spatial_scale: Any,
    pooled_height: Size,
    pooled_width: Size,
    sampling_ratio: Any,
    aligned: bool,
) -> TensorSpec:
    """A grid of samples for each region; where the regions lie changes no size."""
    claim_ndim(path, "an input", input, 4)
    claim_ndim(path, "regions", rois, 2)
    path.claim(eq(rois.dims[1], 5), "5 numbers for each region, gets {}", rois.dims[1])
    claim_dtype(path, "regions", rois, input.dtype)
    grid = (pooled_height, pooled_width)
    if input.dtype not in (torch.float32, torch.float64) or not all(
        isinstance(n, int) for n in grid
    ):
        raise NoRule
    path.claim(conj(*(n > 0 for n in grid)), "a grid of at least one sample, gets {} x {}", *grid)
    return input.like((rois.dims[0], input.dims[1], *grid))


@named_rule("torchvision.ops.poolers:_setup_scales")
def setup_scales(
    path: Path,
    features: list[TensorSpec],
    image_shapes: list[tuple[Size, Size]],
    canonical_scale: Any,
    canonical_level: Any,
) -> tuple[list[float], Any]:
    """By what factors feature maps are smaller than images; no size depends on them."""
    shapes = [f.dims[-2:] for f in features]
    sizes = [s for shape in (*shapes, *image_shapes) for s in shape]
    if not image_shapes or path.known(conj(*(ge(s, 1) for s in sizes))) is not True:
        raise NoRule
    return [1.0] * len(features), _levels


def _levels(boxlists: list[torch.Tensor]) -> torch.Tensor:
    """From which feature map each box is read; the values are not known."""
    areas = [(b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1]) for b in boxlists]
    return torch.sqrt(torch.cat(areas)).to(torch.int64)
