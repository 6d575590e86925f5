"""The page of ``archlint cost``: the formulas, curves over a size, and the layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from markupsafe import Markup

from archlint.contracts.region import batch_symbol
from archlint.report import cost_text
from archlint.report.page.document import document
from archlint.symbolic.formula import holds

if TYPE_CHECKING:
    from archlint.engine.cost.model_cost import ModelCost, PathCost

_WIDTH, _HEIGHT, _LEFT, _BELOW = 480, 240, 70, 32  # pixels
_STEPS = 64  # points of a curve
_COLORS = ("#3f7fd0", "#2a9d6f", "#d9822b")
_BATCHES = (1, 8, 32)

Sizes = dict[str, int]


def cost_page(cost: ModelCost) -> str:
    """The page of what a model costs; the curves are of the path that each size takes."""
    head, *rows = cost_text.rows(cost)
    return document(
        "cost.html.jinja",
        f"{cost.model}: what it costs",
        {},
        heading=cost.model,
        mode=cost.mode,
        report=cost_text.text(cost),
        curves=list(_curves(cost)),
        head=head,
        rows=rows,
    )


def _curves(cost: ModelCost) -> list[tuple[str, Markup]]:
    batch = batch_symbol(cost.input)
    others = [n for n in cost.point if n != batch]
    if not others:
        return []
    most = 4 * max(cost.point[n] for n in others)
    sides = sorted({max(1, most * i // _STEPS) for i in range(1, _STEPS + 1)})
    name = " = ".join(others)

    def lines(value: Callable[[PathCost, Sizes], int]) -> dict[str, list[int | None]]:
        counts = _BATCHES if batch else (1,)
        return {
            f"{batch}={count}" if batch else name: [
                _at(
                    cost,
                    {**({batch: count} if batch else {}), **dict.fromkeys(others, side)},
                    value,
                )
                for side in sides
            ]
            for count in counts
        }

    def flops(path: PathCost, sizes: Sizes) -> int:
        return path.flops.at(sizes)

    def memory(path: PathCost, sizes: Sizes) -> int:
        return cost.constant_bytes + path.alive.at(sizes)

    limit = cost.fits.limit if cost.fits is not None else None
    return [
        (f"FLOPs over {name}", _figure(name, sides, lines(flops), None)),
        (f"Bytes of memory, at the least, over {name}", _figure(name, sides, lines(memory), limit)),
    ]


def _at(cost: ModelCost, sizes: Sizes, value: Callable[[PathCost, Sizes], int]) -> int | None:
    """The value on the path of the sizes; ``None`` where the model does not accept them."""
    path = next((p for p in cost.paths if holds(p.when, sizes)), None)
    return None if path is None else value(path, sizes)


def _figure(
    name: str, sides: Sequence[int], lines: Mapping[str, Sequence[int | None]], limit: int | None
) -> Markup:
    known = [v for values in lines.values() for v in values if v is not None]
    top = max(1, limit * 5 // 4 if limit else max(known, default=1))
    across = [_LEFT + _WIDTH * s / sides[-1] for s in sides]
    curves = {
        name: [
            (x, _HEIGHT * (1 - min(v / top, 1)))
            for x, v in zip(across, values, strict=True)
            if v is not None
        ]
        for name, values in lines.items()
    }
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDTH + 70} '
        f'{_HEIGHT + _BELOW}" width="{_LEFT + _WIDTH + 70}" role="img" font-size="11" '
        f'font-family="system-ui, sans-serif" fill="currentColor"><title>{escape(name)}</title>'
        f'<path d="M{_LEFT} 0V{_HEIGHT}H{_LEFT + _WIDTH}" fill="none" stroke="currentColor"/>'
    ]
    for part in (1, 2, 4):
        at = _HEIGHT * (1 - part / 4)
        parts.append(f'<text x="2" y="{at + 10:.0f}">{_short(top * part // 4)}</text>')
        side = sides[-1] * part // 4
        middle = _LEFT + _WIDTH * part / 4
        parts.append(f'<text x="{middle - 12:.0f}" y="{_HEIGHT + 14}">{side}</text>')
    for color, (label, curve) in zip(_COLORS, curves.items(), strict=False):
        if not curve:
            continue
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in curve)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>')
        x, y = next(((x, y) for x, y in curve if y <= 0), curve[-1])
        end = x + 4, max(10.0, y + 4)
        parts.append(
            f'<text x="{end[0]:.0f}" y="{end[1]:.0f}" fill="{color}">{escape(label)}</text>'
        )
    if limit:
        line = _HEIGHT * (1 - limit / top)
        parts.append(
            f'<path d="M{_LEFT} {line:.1f}H{_LEFT + _WIDTH}" stroke="currentColor" '
            'stroke-dasharray="4 3"/>'
        )
    parts.append("</svg>")
    return Markup("<figure>" + "".join(parts) + "</figure>")


def _short(value: int) -> str:
    for unit, factor in (("T", 10**12), ("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if value >= factor:
            return f"{value / factor:.3g} {unit}"
    return str(value)
