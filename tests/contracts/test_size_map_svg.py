"""The drawing of a map: its cells, its border, and names that want to be markup."""

from __future__ import annotations

import random
import re
import xml.etree.ElementTree as ET

import pytest

from archlint.contracts.accepted_set import AcceptedSet, Refusal, region
from archlint.contracts.contract import TensorInput
from archlint.contracts.size_map import size_map
from archlint.contracts.size_map_svg import cells, edges, figure, notebook_html, svg
from archlint.symbolic import symbol
from benchmarks import pictures

HOSTILE = '<script>alert("1")</script>'


def hostile_map():
    refusal = Refusal("H <= 3", HOSTILE, "", f"needs {HOSTILE} & more")
    sizes = TensorInput(tuple(map(symbol, "HW")))
    accepted = AcceptedSet("m", "eval", sizes, "H >= 4", True, refusals=(refusal,))
    return size_map(accepted, contract=region("H, W >= 2"), mark={"H": 2, "W": 2})


def covered(paths):
    """The cells of paths as the drawing shows them."""
    found = []
    for path in ET.fromstring(f"<g>{paths}</g>"):
        d, dashes = path.get("d"), path.get("stroke-dasharray")
        if dashes is None:
            for part in re.findall(r"M(\d+) (\d+)h(\d+)v(\d+)h-\d+z", d):
                x, y, w, h = map(int, part)
                found += [(i, j) for i in range(x, x + w) for j in range(y, y + h)]
            continue
        lengths = list(map(int, dashes.split()))
        assert len(lengths) % 2 == 0  # an odd number would be repeated with gaps as dashes
        height = int(path.get("stroke-width"))
        for middle, width in re.findall(r"M0 ([\d.]+)h(\d+)", d):
            top = float(middle) - height / 2
            assert sum(lengths) > int(width)  # the dashes do not begin again
            x = 0
            for dash, gap in zip(lengths[::2], lengths[1::2], strict=True):
                found += [
                    (i, j) for i in range(x, x + dash) for j in range(int(top), int(top) + height)
                ]
                x += dash + gap
    return found


def test_paths_cover_the_cells_of_a_zone_and_no_others():
    draw = random.Random(5)
    lines = 0
    for size in [9] * 30 + [40] * 4:
        width, height = draw.randint(1, size), draw.randint(1, size)
        pool = [[draw.randint(0, 2) for _ in range(width)] for _ in range(3)]
        rows = [draw.choice(pool) for _ in range(height)]
        wanted = [(x, y) for y in range(height) for x in range(width) if rows[y][x] == 1]
        for border in (0, 3):
            assert sorted(covered(cells(rows, 1, border))) == sorted(wanted)
        lines += "dasharray" in cells(rows, 1)
    assert lines, "no map was drawn by dashed lines"


def test_a_grid_takes_few_characters():
    row = [x % 2 for x in range(64)]
    rows = [row if y % 2 else [0] * 64 for y in range(64)]
    assert len(covered(cells(rows, 1))) == 32 * 32
    assert len(cells(rows, 1)) < 600


def test_single_sizes_have_a_border_and_lie_above_the_others():
    sizes = TensorInput(tuple(map(symbol, "HW")))
    drawn = svg(size_map(AcceptedSet("m", "eval", sizes, "H == 224 and W == 224", True)))
    assert drawn.index('data-zone="1"') < drawn.index('data-zone="0"')
    assert 'stroke-width="7"' in drawn
    plain = svg(size_map(AcceptedSet("m", "eval", sizes, "H, W >= 9", True)))
    assert 'stroke-width="7"' not in plain


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
