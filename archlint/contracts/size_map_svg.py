"""A map of accepted sizes as SVG: its zones, axes, and a legend as HTML.

The script of a page draws the same way when one chooses other axes (``report/page/size_map.js``).
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from itertools import groupby

from archlint.contracts.size_map import ACCEPTED, GAINED, LOST, REFUSED, UNKNOWN, Rows, SizeMap
from archlint.errors import visible

SIDE = 384  # pixels of the drawing along an axis
MARGIN = 40  # pixels for ticks and names
PAD = 14  # pixels at the right and below
STRIP = 24  # pixels of height of a map of one size
SMALL = 6  # pixels; accepted sizes that are all narrower are drawn with a border
MOST_BORDERS = 1500  # cells that get one
MOST_EDGES = 300  # lines of the contract's border; beyond, its sizes are darkened
REFUSED_COLORS = (
    "#d55e5e", "#e08e45", "#c77dba", "#8d6fd1", "#b8864b", "#d9739a",
    "#7f8fd9", "#a65f8e", "#c2a14d", "#9a5b5b", "#6f7fb0", "#b56f4a",
)  # fmt: skip
PLAIN_COLORS = {
    ACCEPTED: "#2a9d6f", REFUSED: "#c96a6a", UNKNOWN: "#b4b4b4", GAINED: "#3f7fd0", LOST: "#d9822b",
}  # fmt: skip


def colors(map: SizeMap) -> list[str]:
    """A colour for each zone: green if accepted, grey if unknown, one for each refusing layer."""
    left = iter(REFUSED_COLORS * (1 + len(map.zones) // len(REFUSED_COLORS)))
    return [
        next(left) if zone.kind == REFUSED and zone.label != "refused" else PLAIN_COLORS[zone.kind]
        for zone in map.zones
    ]


def svg(map: SizeMap, title: str = "") -> str:
    """The drawing. Text from models and rule files is escaped; it has no script and no link."""
    down = map.axes[1]
    columns, lines = map.last
    scale = SIDE / columns
    height = scale * lines if down else STRIP
    box = f"0 0 {SIDE + MARGIN + PAD} {round(height) + MARGIN + PAD}"
    y_scale = scale if down else STRIP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" width="{SIDE + MARGIN + PAD}" '
        f'role="img" font-family="system-ui, sans-serif" font-size="11" fill="currentColor">'
        f"<title>{_escaped(title or _summary(map))}</title>"
        f'<g transform="translate({MARGIN} {MARGIN}) scale({scale:.6g} {y_scale:.6g})">'
    ]
    palette = colors(map)
    borders = {index: _border(map, index, scale) for index in map.present}
    for index in sorted(map.present, key=borders.__getitem__):  # their borders cover the others
        zone = map.zones[index]
        about = _escaped(f"{zone.label}: {zone.why}" if zone.why else zone.label)
        parts.append(
            f'<g data-zone="{index}" fill="{palette[index]}" stroke="{palette[index]}" '
            f'shape-rendering="crispEdges"><title>{about}</title>'
            f"{cells(map.rows, index, borders[index])}</g>"
        )
    parts += _contract(map)
    parts.append("</g>")
    parts += _axes(map, scale, y_scale)
    parts += _mark(map, scale, y_scale)
    return "".join((*parts, "</svg>"))


def figure(map: SizeMap) -> str:
    """The drawing with its legend, as HTML without script or style sheet."""
    return f"<figure>{svg(map)}<figcaption>{legend(map)}</figcaption></figure>"


def notebook_html(text: str, map: SizeMap | None) -> str:
    """A report for a notebook: the drawing, if there is one, above the text."""
    drawing = "" if map is None else figure(map)
    return f"<div>{drawing}<pre>{_escaped(text)}</pre></div>"


_DASHES = '<rect x="1" y="1" width="10" height="10" stroke-dasharray="3 2"/>'
_CROSS = '<path d="M1 1l10 10M11 1l-10 10"/>'


def _symbol(drawing: str) -> str:
    return (
        '<svg width="12" height="12" aria-hidden="true" fill="none" stroke="currentColor" '
        f'stroke-width="1.5">{drawing}</svg>'
    )


def legend(map: SizeMap) -> str:
    """A list of the zones, each with its colour and its reason; those not on the map are hidden."""
    palette = colors(map)
    items = []
    for index, zone in enumerate(map.zones):
        swatch = (
            f'<svg width="12" height="12" aria-hidden="true"><rect width="12" height="12" '
            f'fill="{palette[index]}"/></svg>'
        )
        why = f" <small>{_escaped(zone.why)}</small>" if zone.why else ""
        absent = "" if index in map.present else " hidden"
        items.append(f'<li data-zone="{index}"{absent}>{swatch} {_escaped(zone.label)}{why}</li>')
    if map.contract is not None:
        items.append(f"<li>{_symbol(_DASHES)} the sizes of the contract</li>")
    if map.mark is not None:
        items.append(f"<li>{_symbol(_CROSS)} the counterexample</li>")
    others = ", ".join(f"{name}={value}" for name, value in map.fixed.items())
    note = f"at {_escaped(others)}" if others else ""
    return f'<ul>{"".join(items)}</ul><p class="fixed">{note}</p>'


def cells(rows: Rows, index: int, border: int = 0) -> str:
    """The cells of a zone as paths: rectangles, or dashed lines for rows that return.

    ``border``: the pixels of a border of the same colour, so that single cells can be seen.
    """
    blocks: dict[tuple[tuple[tuple[int, int], ...], int], list[int]] = {}
    for top, height, runs in _blocks(rows, index):
        blocks.setdefault((runs, height), []).append(top)
    rectangles = []
    dashed = []
    for (runs, height), tops in blocks.items():
        plain = "".join(f"M{a} {top}h{b - a}v{height}h{a - b}z" for top in tops for a, b in runs)
        line = _dashed(runs, height, tops, len(rows[0]))
        if border or len(plain) <= len(line):
            rectangles.append(plain)
        else:
            dashed.append(line)
    edge = (
        f'stroke-width="{border}" vector-effect="non-scaling-stroke"' if border else 'stroke="none"'
    )
    path = "".join(rectangles)
    return (f'<path {edge} d="{path}"/>' if path else "") + "".join(dashed)


def _blocks(rows: Rows, index: int) -> Iterator[tuple[int, int, tuple[tuple[int, int], ...]]]:
    """Neighbouring rows with the same cells of a zone: the first, how many, and the cells."""
    top = 0
    for _, same in groupby(rows, id):
        block = list(same)
        runs = tuple(_runs(block[0], index))
        if runs:
            yield top, len(block), runs
        top += len(block)


def _dashed(runs: Sequence[tuple[int, int]], height: int, tops: Sequence[int], width: int) -> str:
    """The cells as lines whose dashes are the runs; each line begins the dashes again."""
    dashes, position = ["0"], 0
    for start, end in runs:
        dashes += [str(start - position), str(end - start)]
        position = end
    dashes.append(str(width - position + 1))
    lines = "".join(f"M0 {top + height / 2:g}h{width}" for top in tops)
    return f'<path stroke-width="{height}" stroke-dasharray="{" ".join(dashes)}" d="{lines}"/>'


def _border(map: SizeMap, index: int, scale: float) -> int:
    """The border of accepted sizes so few and narrow that one would not see them; else 0."""
    if map.zones[index].kind != ACCEPTED:
        return 0
    blocks = list(_blocks(map.rows, index))
    narrow = all((end - start) * scale < SMALL for *_, runs in blocks for start, end in runs)
    few = sum(height * len(runs) for _, height, runs in blocks) <= MOST_BORDERS
    return (3 if scale >= 3 else 7) if narrow and few else 0


def _contract(map: SizeMap) -> Iterator[str]:
    """The border of the contract's sizes, or a shade on them where the border is too long."""
    if map.contract is None:
        return
    title = "<title>the sizes of the contract</title>"
    lines = list(edges(map.contract_rows))
    if len(lines) > MOST_EDGES:
        shade = cells(map.contract_rows, 0)
        yield (
            f'<g class="contract" fill="#000" stroke="#000" opacity=".35" '
            f'shape-rendering="crispEdges">{title}{shade}</g>'
        )
        return
    yield (
        f'<path class="contract" d="{"".join(lines)}" fill="none" stroke="currentColor" '
        f'stroke-width="1.5" stroke-dasharray="4 2" vector-effect="non-scaling-stroke">'
        f"{title}</path>"
    )


def edges(rows: Rows) -> Iterator[str]:
    """The border of the cells of zone 0 as lines of a path."""
    width = len(rows[0]) if rows else 0
    blank = [1] * width
    for y, (above, below) in enumerate(zip([blank, *rows], [*rows, blank], strict=True)):
        for start, end in _runs([int(a != b) for a, b in zip(above, below, strict=True)], 1):
            yield f"M{start} {y}h{end - start}"
    turned = [list(column) for column in zip(*rows, strict=True)]
    blank = [1] * len(rows)
    for x, (left, right) in enumerate(zip([blank, *turned], [*turned, blank], strict=True)):
        for start, end in _runs([int(a != b) for a, b in zip(left, right, strict=True)], 1):
            yield f"M{x} {start}v{end - start}"


def _runs(row: list[int], index: int) -> Iterator[tuple[int, int]]:
    start = None
    for x, value in enumerate([*row, -1]):
        if value == index and start is None:
            start = x
        elif value != index and start is not None:
            yield start, x
            start = None


def ticks(last: int) -> list[int]:
    """Sizes to label along an axis: at most 4 multiples of a power of 2."""
    step = 8
    while last // step > 4:
        step *= 2
    return [1, *range(step, last + 1, step)]


def _axes(map: SizeMap, scale: float, y_scale: float) -> Iterator[str]:
    across, down = map.axes
    yield f'<text x="{MARGIN + SIDE / 2:.0f}" y="12" text-anchor="middle">{_escaped(across)}</text>'
    places = {size: f"{MARGIN + (size - 0.5) * scale:.0f}" for size in ticks(map.last[0])}
    labels = "".join(f'<text x="{x}" y="30">{size}</text>' for size, x in places.items())
    yield f'<g text-anchor="middle">{labels}</g>'
    lines = "".join(f"M{x} 34v5" for x in places.values())
    if down:
        yield f'<text x="24" y="{MARGIN - 14}" text-anchor="end">{_escaped(down)}</text>'
        heights = {size: MARGIN + (size - 0.5) * y_scale for size in ticks(map.last[1])}
        labels = "".join(f'<text x="33" y="{y + 4:.0f}">{n}</text>' for n, y in heights.items())
        yield f'<g text-anchor="end">{labels}</g>'
        lines += "".join(f"M35 {y:.0f}h4" for y in heights.values())
    yield f'<path d="{lines}" stroke="currentColor"/>'


def _mark(map: SizeMap, scale: float, y_scale: float) -> Iterator[str]:
    """A cross at the counterexample."""
    if map.mark is None:
        return
    across, down = map.axes
    x, y = map.mark.get(across, 0), map.mark.get(down, 1) if down else 1
    if 1 <= x <= map.last[0] and 1 <= y <= map.last[1]:
        at = f"{MARGIN + (x - 0.5) * scale:.1f} {MARGIN + (y - 0.5) * y_scale:.1f}"
        yield (
            f'<g transform="translate({at})" stroke="currentColor" stroke-width="2">'
            '<path d="M-6-6l12 12M6-6l-12 12"/><title>the counterexample</title></g>'
        )


def _summary(map: SizeMap) -> str:
    across, down = map.axes
    return f"accepted sizes over {f'{across} and {down}' if down else across}"


def _escaped(text: str) -> str:
    return html.escape(visible(text))
