"""The page of the atlas: records of ``benchmarks/atlas.py`` as docs/atlas.md, and back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from archlint.contracts.accepted_set import Words, input_as_yaml, shown
from archlint.contracts.contract import Input

PAGE = Path(__file__).parents[1] / "docs" / "atlas.md"
TORCHVISION = ("quantization", "segmentation", "video", "optical_flow", "detection")

HEAD = """\
# The atlas: what every model of torchvision and timm accepts

{models} models, eval mode, random weights. A set is **exact**: the model accepts these sizes and
refuses every other, proved for all sizes at once; {exact} of {models} are ({share:.1f} %). The
others are listed at the end with what is known and why it is not exact. Models of a family with
the same set and the same output share a line; ranges are over these models.

"Paths" are runs of the model on symbolic sizes, "claims" what its operators require of the sizes.
The default input is `N 3 H W`. Versions: torch {torch}, torchvision {torchvision}, timm {timm}.

Made by `python benchmarks/atlas.py`; `python benchmarks/atlas.py --check` says which lines changed.
"""


def families() -> dict[str, str]:
    """Every target with the name of its family, in the order of the page."""
    import timm
    from torchvision import models

    found = {}
    for name in models.list_models(module=models):
        found[f"torchvision:{name}"] = "torchvision, classification"
    for part in TORCHVISION:
        for name in models.list_models(module=getattr(models, part)):
            found[f"torchvision:{name}"] = f"torchvision, {part.replace('_', ' ')}"
    for module in timm.list_modules():
        for name in timm.list_models(module=module):
            found.setdefault(f"timm:{name}", f"timm, {module}")
    for name in timm.list_models():
        found.setdefault(f"timm:{name}", "timm")
    return found


def input_text(input: Input) -> str:
    return shown(input_as_yaml(input))


def shape_text(words: Words | None) -> str:
    """An output on one line; runs of equal items are counted."""
    if not isinstance(words, list) or len(words) < 3:
        return "" if words is None else shown(words)
    runs = [(len(list(same)), item) for item, same in groupby(map(shown, words))]
    return "[" + ", ".join(f"{n} × {item}" if n > 1 else item for n, item in runs) + "]"


def written(records: Sequence[Mapping[str, Any]], families: Mapping[str, str]) -> str:
    """The whole page."""
    from importlib.metadata import version

    exact = sum(r["exact"] for r in records)
    lines = [
        HEAD.format(
            models=len(records),
            exact=exact,
            share=100 * exact / max(len(records), 1),
            **{p: version(p).split("+")[0] for p in ("torch", "torchvision", "timm")},
        )
    ]
    for family, group in groupby(records, key=lambda r: families[r["model"]]):
        lines += [f"## {family}", "", *_table(list(group)), ""]
    left = [r for r in records if not r["exact"]]
    if left:
        lines += ["## Not exact, and why", "", "| model | known to be accepted | why |"]
        lines += ["|---|---|---|"]
        lines += [_row(_name(r), _known(r), _why(r)) for r in left]
    return "\n".join(lines).rstrip() + "\n"


def _table(records: list[Mapping[str, Any]]) -> Iterator[str]:
    yield "| models | accepts | output | paths | claims | seconds |"
    yield "|---|---|---|---|---|---|"
    same: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for record in records:
        same.setdefault(_answer(record), []).append(record)
    for (accepts, output), group in same.items():
        numbers = [_range([r.get(k, 0) for r in group]) for k in ("paths", "claims", "seconds")]
        yield _row(", ".join(map(_name, group)), accepts, output, *numbers)


def _answer(record: Mapping[str, Any]) -> tuple[str, str]:
    """What the page says of a model, and must say again: the accepted sizes and the output.

    What is known of a set that is not exact depends on the effort, and is not compared.
    """
    if not record["exact"]:
        return "not exact, see the end", ""
    output = record.get("output") or ""
    return _accepts(record), f"`{output}`" if output else ""


def _accepts(record: Mapping[str, Any]) -> str:
    """The accepted sizes, and of what input if that is not an image."""
    text = f"`{record['accepts']}`"
    return text if record["input"] == "N 3 H W" else f"{text} of `{record['input']}`"


def _known(record: Mapping[str, Any]) -> str:
    """The part of a set that is not exact."""
    known = record.get("accepts", "no size")
    return "" if known == "no size" else f"`{known if len(known) <= 120 else known[:119] + '…'}`"


def _why(record: Mapping[str, Any]) -> str:
    text = record.get("error") or "; ".join(record["reasons"])
    text = re.sub(r"\S*site-packages/", "", " ".join(text.split()))
    return text if len(text) <= 240 else text[:239] + "…"


def _name(record: Mapping[str, Any]) -> str:
    return record["model"].partition(":")[2]


def _range(values: Sequence[float]) -> str:
    texts = [f"{v:.1f}" if isinstance(v, float) else str(v) for v in (min(values), max(values))]
    return texts[0] if texts[0] == texts[1] else "–".join(texts)


def _row(*cells: str) -> str:
    return "| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |"


def differences(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """The models whose accepted sizes or output differ from the page, old and new."""
    before = _read(PAGE.read_text())
    changed = []
    for record in records:
        new, old = _answer(record), before.get(record["model"])
        if old != new:
            changed.append(f"{record['model']}")
            changed.append(f"  - {' → '.join(old) if old else 'not on the page'}")
            changed.append(f"  + {' → '.join(new)}")
    return changed


def _read(text: str) -> dict[str, tuple[str, ...]]:
    """The answers on the page, by target."""
    found: dict[str, tuple[str, ...]] = {}
    library = ""
    for line in text.splitlines():
        if line.startswith("## "):
            library = line[3:].partition(",")[0]
        elif line.startswith("| ") and library in ("torchvision", "timm"):
            cells = [c.strip().replace("\\|", "|") for c in re.split(r"(?<!\\)\|", line)[1:-1]]
            for name in cells[0].split(", "):
                found[f"{library}:{name}"] = tuple(cells[1:3])
    return found
