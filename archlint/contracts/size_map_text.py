"""A map of accepted sizes in a terminal: each character shows two rows of the map."""

from __future__ import annotations

from archlint.contracts.size_map import ACCEPTED, UNKNOWN, Rows, SizeMap
from archlint.contracts.size_map_svg import colors, ticks

COLUMNS = 64  # characters of the map
_HALVES = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}
_RESET = "\x1b[0m"


def terminal_map(map: SizeMap, *, color: bool = False, width: int = 80) -> str:
    """The map as lines of text, with a legend.

    With ``color``, zones have the colours of the page (24-bit codes). Otherwise only accepted sizes
    are drawn. ``width``: the columns of the terminal; a map of more sizes than fit shows a block as
    accepted if one of its sizes is.
    """
    columns = max(min(COLUMNS, width - 10, map.last[0]), 8)
    step = -(-map.last[0] // columns)
    cells = _blocks(map, step)
    across, down = map.axes
    lines = [f"{'':6}{_ruler(map.last[0], step)}  {across}"]
    palette = colors(map)
    for y in range(0, len(cells), 2):
        upper = cells[y]
        lower = cells[y + 1] if y + 1 < len(cells) else [-1] * len(upper)
        pairs = list(zip(upper, lower, strict=True))
        size = y * step + 1
        label = f"{size:>5} " if y % 8 == 0 and down else " " * 6
        lines.append((label + _line(map, pairs, palette, color)).rstrip())
    if down:
        lines.insert(1, f"{down:>5}")
    return "\n".join([*lines, *_legend(map, palette, color, step)])


def _blocks(map: SizeMap, step: int) -> Rows:
    """The map in blocks of ``step`` by ``step`` sizes: the zone that says most of each."""
    order = {i: (z.kind != ACCEPTED, z.kind == UNKNOWN, i) for i, z in enumerate(map.zones)}
    if step == 1:
        return map.rows
    blocks = []
    for y in range(0, map.last[1], step):
        band = map.rows[y : y + step]
        starts = range(0, map.last[0], step)
        cells = [[v for row in band for v in row[x : x + step]] for x in starts]
        blocks.append([min(cell, key=order.__getitem__) for cell in cells])
    return blocks


def _line(map: SizeMap, pairs: list[tuple[int, int]], palette: list[str], color: bool) -> str:
    if not color:
        accepted = [tuple(v >= 0 and map.zones[v].kind == ACCEPTED for v in p) for p in pairs]
        return "".join(_HALVES[upper, lower] for upper, lower in accepted)
    text, before = "", None
    for upper, lower in pairs:
        codes = f"\x1b[38;2;{_rgb(palette[upper])}m"
        codes += f"\x1b[48;2;{_rgb(palette[lower])}m" if lower >= 0 else "\x1b[49m"
        text += ("" if codes == before else codes) + "▀"
        before = codes
    return text + _RESET


def _legend(map: SizeMap, palette: list[str], color: bool, step: int) -> list[str]:
    lines = []
    for index in map.present:
        zone = map.zones[index]
        if not color and zone.kind != ACCEPTED:
            continue
        swatch = f"\x1b[38;2;{_rgb(palette[index])}m█{_RESET}" if color else "█"
        why = f": {zone.why}" if zone.why else ""
        lines.append(f"  {swatch} {zone.label}{why}")
    notes = [f"{name}={value}" for name, value in map.fixed.items()]
    if step > 1:
        notes.append(f"one character: {step} x {2 * step} sizes")
    return lines + [f"    {', '.join(notes)}"] * bool(notes)


def _ruler(last: int, step: int) -> str:
    line = ""
    for size in ticks(last):
        at = (size - 1) // step
        if at >= len(line) + bool(line):
            line = line.ljust(at) + str(size)
    return line


def _rgb(color: str) -> str:
    return ";".join(str(int(color[i : i + 2], 16)) for i in (1, 3, 5))
