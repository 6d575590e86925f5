"""The models that tests run by default, in two halves; ``pytest -m sweep`` runs all others."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.support.fix_models.case import Case

HEADS = {  # pooled before a layer that needs one number of features
    # files
    "CRLF", "tabs", "latin-1", "form feeds", "no final newline", "another file",
    "base class in another file", "two files and CRLF", "package with relative imports",
    "byte order mark, tabs and CRLF",
    # classes, factories, loops, decorators
    "decorated forward", "private names", "from imports", "sequential of a loop",
    "factory with a table of layers", "inherited forward", "mixin", "dataclass configuration",
    "functools.reduce and partial", "semicolons and continued lines",
    # spellings
    "flatten: batch of -1", "flatten: number", "flatten: keywords", "flatten: two steps",
    "flatten: nested function", "flatten: lambda", "flatten: else", "flatten: match",
    # several heads, models, inputs and outputs
    "two classes share a helper module", "heads of a comprehension", "two heads",
    "head class used twice", "sound", "pair of images", "pooled head beside one of a function",
    "pooled head beside one of the base class", "heads appended in a loop",
    "class of two models with other sizes", "view used by two models",
    "features returned beside the scores",
}  # fmt: skip
OTHERS = {
    # positions
    "table like a map", "table added to a call", "tokens in place",
    "class token, table without a batch", "table, another receiver",
    # outputs as large as the input
    "U-Net", "feature pyramid", "optical flow", "image and mask",
    "time of video", "sequence in chunks", "named tuple of maps", "two images and a mask",
    # arguments of layers and models
    "pools", "pools of functions", "large window", "batch_first of a GRU",
    "batch_first of attention", "argument of the class", "view of permuted memory",
    # sources
    "byte order mark", "mixed line endings", "class made by type()", "code without a file",
    "helper that another contract pins", "perceptron", "text CNN with several windows",
    "layer norm of a map", "line of text", "recurrent net flattened over time",
}  # fmt: skip


def params(cases: Sequence[Case], names: set[str]) -> list[object]:
    """The cases as parameters of a test; those not among ``names`` have the marker ``sweep``."""
    left_out = (pytest.mark.sweep,)
    return [
        pytest.param(case, id=case.name, marks=() if case.name in names else left_out)
        for case in cases
    ]
