"""A map of accepted sizes as SVG: one path for each zone, axes, and a legend as HTML."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from archlint.contracts.size_map import ACCEPTED, GAINED, LOST, REFUSED, UNKNOWN, Rows, SizeMap

SIDE = 384  # pixels of the drawing along an axis
MARGIN = 40  # pixels for ticks and names
STRIP = 24  # pixels of height of a map of one size
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
    box = f"0 0 {SIDE + MARGIN + 8} {round(height) + MARGIN + 8}"
    y_scale = scale if down else STRIP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" width="{SIDE + MARGIN + 8}" '
        f'role="img" font-family="system-ui, sans-serif" font-size="11" fill="currentColor">'
        f"<title>{escape(title or _summary(map))}</title>"
        f'<g transform="translate({MARGIN} {MARGIN}) scale({scale:.6g} {y_scale:.6g})">'
    ]
    palette = colors(map)
    for index in map.present:
        zone = map.zones[index]
        about = escape(f"{zone.label}: {zone.why}" if zone.why else zone.label)
        path = "".join(rectangles(map.rows, index))
        parts.append(
            f'<path fill="{palette[index]}" data-zone="{index}" d="{path}">'
            f"<title>{about}</title></path>"
        )
    if map.contract is not None:
        outline = "".join(edges(map.contract_rows))
        parts.append(
            f'<path class="contract" d="{outline}" fill="none" stroke="currentColor" '
            f'stroke-width="1.5" stroke-dasharray="4 2" vector-effect="non-scaling-stroke">'
            "<title>the sizes of the contract</title></path>"
        )
    parts.append("</g>")
    parts += _axes(map, scale, y_scale)
    parts += _mark(map, scale, y_scale)
    return "".join((*parts, "</svg>"))


def figure(map: SizeMap, title: str = "") -> str:
    """The drawing with its legend, as HTML without script or style sheet."""
    return f"<figure>{svg(map, title)}<figcaption>{legend(map)}</figcaption></figure>"


def notebook_html(text: str, map: SizeMap | None) -> str:
    """A report for a notebook: the drawing, if there is one, above the text."""
    drawing = "" if map is None else figure(map)
    return f"<div>{drawing}<pre>{escape(text)}</pre></div>"


def legend(map: SizeMap) -> str:
    """A list of the zones that the map shows, each with its colour and its reason."""
    palette = colors(map)
    items = []
    for index in map.present:
        zone = map.zones[index]
        swatch = (
            f'<svg width="12" height="12" aria-hidden="true"><rect width="12" height="12" '
            f'fill="{palette[index]}"/></svg>'
        )
        why = f" <small>{escape(zone.why)}</small>" if zone.why else ""
        items.append(f"<li>{swatch} {escape(zone.label)}{why}</li>")
    others = ", ".join(f"{name}={value}" for name, value in map.fixed.items())
    note = f"<p>at {escape(others)}</p>" if others else ""
    return f"<ul>{''.join(items)}</ul>{note}"


def rectangles(rows: Rows, index: int) -> Iterator[str]:
    """The cells of a zone as rectangles of a path; equal runs in neighbouring rows are one."""
    open_: dict[tuple[int, int], int] = {}  # a run of columns, and the row where it began
    for y, row in enumerate([*rows, []]):
        runs = set(_runs(row, index))
        for run in [r for r in open_ if r not in runs]:
            top = open_.pop(run)
            yield f"M{run[0]} {top}h{run[1] - run[0]}v{y - top}h{run[0] - run[1]}z"
        for run in runs:
            open_.setdefault(run, y)


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
    """Sizes to label along an axis: at most 8 multiples of a power of 2."""
    step = 8
    while last // step > 8:
        step *= 2
    return [1, *range(step, last + 1, step)]


def _axes(map: SizeMap, scale: float, y_scale: float) -> Iterator[str]:
    across, down = map.axes
    yield f'<text x="{MARGIN + SIDE / 2:.0f}" y="12" text-anchor="middle">{escape(across)}</text>'
    for size in ticks(map.last[0]):
        x = MARGIN + (size - 0.5) * scale
        yield (
            f'<text x="{x:.1f}" y="30" text-anchor="middle">{size}</text>'
            f'<path d="M{x:.1f} 34v5" stroke="currentColor"/>'
        )
    if not down:
        return
    middle = MARGIN + map.last[1] * y_scale / 2
    yield f'<text x="2" y="{middle:.0f}">{escape(down)}</text>'
    for size in ticks(map.last[1]):
        y = MARGIN + (size - 0.5) * y_scale
        yield (
            f'<text x="33" y="{y + 4:.1f}" text-anchor="end">{size}</text>'
            f'<path d="M35 {y:.1f}h4" stroke="currentColor"/>'
        )


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


__all__ = ["colors", "figure", "legend", "notebook_html", "svg"]
