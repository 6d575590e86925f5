"""What ``infer`` says of a model, and what the model does."""

from __future__ import annotations

import archlint
from archlint.engine.sampling.real_run import run_at


def says(model, input, sizes, text, *, mode="eval", output=None):
    """``infer`` says ``text`` exactly, and the real model agrees at all ``sizes``."""
    found = archlint.infer(model, input, mode=mode)
    assert (found.text, found.exact) == (text, True), (found.text, found.reasons)
    model = model.train(mode == "train")
    for point in sizes:
        ran = run_at(model, found.input, point)
        assert found.accepts(**point) is ran.accepted, (point, ran.error)
        if ran.accepted:
            assert found.output(**point) == ran.output
    if output is not None:
        assert found.entry().output == output
