"""What real models did at real sizes, against what is inferred of them for all sizes.

``data/truth_tables.json``: each model was run on the CPU, new for each point, in float32 with
random weights. A point is its sizes (named in ``dims``) and 1 for accepted or 0 for refused.
"""

import json

import pytest

import archlint
from tests import REPO

TABLES = json.loads((REPO / "tests" / "data" / "truth_tables.json").read_text())

OPEN = {"timm:mvitv2_tiny"}  # not proved for all sizes; what is said of it must be right


@pytest.mark.slow
@pytest.mark.parametrize("table", TABLES, ids=lambda t: t["model"])
def test_inferred_is_what_happened(table):
    pytest.importorskip(table["model"].partition(":")[0])
    found = archlint.infer(table["model"], table["input"], mode=table["mode"])
    unknown = () if found.exact else (None,)
    wrong = []
    for point in table["points"]:
        sizes = dict(zip(table["dims"], point, strict=False))
        answer = found.accepts(**sizes)
        if answer not in (bool(point[-1]), *unknown):
            wrong.append((sizes, answer))
    assert wrong == []
    assert found.exact or table["model"] in OPEN
