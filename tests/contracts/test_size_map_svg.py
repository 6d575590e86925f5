"""The drawing of a map: its cells, its border, and names that want to be markup."""

from __future__ import annotations

import random
import re
import xml.etree.ElementTree as ET

import pytest

from archlint.contracts.accepted_set import AcceptedSet, Refusal, region
from archlint.contracts.contract import TensorInput
from archlint.contracts.size_map import size_map
from archlint.contracts.size_map_svg import edges, figure, notebook_html, rectangles, svg
from archlint.symbolic import symbol
from benchmarks import pictures

HOSTILE = '<script>alert("1")</script>'


def hostile_map():
    refusal = Refusal("H <= 3", HOSTILE, "", f"needs {HOSTILE} & more")
    sizes = TensorInput(tuple(map(symbol, "HW")))
    accepted = AcceptedSet("m", "eval", sizes, "H >= 4", True, refusals=(refusal,))
    return size_map(accepted, contract=region("H, W >= 2"), mark={"H": 2, "W": 2})


def test_rectangles_cover_the_cells_of_a_zone_and_no_others():
    draw = random.Random(5)
    for _ in range(30):
        width, height = draw.randint(1, 9), draw.randint(1, 9)
        rows = [[draw.randint(0, 2) for _ in range(width)] for _ in range(height)]
        cells = []
        for path in rectangles(rows, 1):
            x, y, w, h = map(int, re.fullmatch(r"M(\d+) (\d+)h(\d+)v(\d+)h-\d+z", path).groups())
            cells += [(i, j) for i in range(x, x + w) for j in range(y, y + h)]
        wanted = [(x, y) for y in range(height) for x in range(width) if rows[y][x] == 1]
        assert sorted(cells) == sorted(wanted)


def test_edges_part_the_cells_of_zone_0_from_all_others():
    rows = [[1, 1, 1], [1, 0, 0], [1, 0, 0]]
    assert sorted(edges(rows)) == ["M1 1h2", "M1 1v2", "M1 3h2", "M3 1v2"]


def test_the_drawing_is_well_formed_and_names_stay_text():
    drawing = svg(hostile_map(), title=HOSTILE)
    root = ET.fromstring(drawing)
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert tags == {"svg", "g", "path", "text", "title"}
    titles = [e.text for e in root.iter() if e.tag.endswith("title")]
    assert titles[0] == HOSTILE
    assert f"refused by {HOSTILE}: needs {HOSTILE} & more" in titles


def test_html_has_no_script_and_no_style():
    for html in (figure(hostile_map()), notebook_html(HOSTILE, None)):
        assert "<script" not in html
        assert "style=" not in html
        assert "&lt;script&gt;" in html


@pytest.mark.slow
def test_the_picture_of_the_docs_is_what_the_product_draws():
    """``python -m benchmarks.pictures`` draws it again."""
    assert pictures.FILE.read_text(encoding="utf-8") == pictures.picture()
