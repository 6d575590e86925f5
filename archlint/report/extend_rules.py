"""Adds models and contracts to an existing rule file, and leaves the rest of its text as it is."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from archlint.errors import ArchlintError
from archlint.report.starter_rules import (
    REWRITTEN,
    InferredModel,
    SkippedModels,
    comments,
    contract_blocks,
    model_entries,
)

if TYPE_CHECKING:
    import yaml


class NotExtendable(ArchlintError):
    """A rule file written in a style in which lines cannot be added."""


def extended(text: str, models: Sequence[InferredModel], skipped: SkippedModels) -> str:
    """``text`` with the new models and contracts, and the comments of ``init`` rewritten.

    Raises ``NotExtendable`` if ``models`` or ``contracts`` is written in brackets and not empty.
    """
    text = without_comments(text)
    contracts = contract_blocks(models)
    text = _added(text, "contracts", "\n".join(contracts), spaced=True)
    text = _added(text, "models", "".join(model_entries(models)), spaced=False)
    return "\n".join(filter(None, (text.rstrip("\n") + "\n", comments(models, skipped))))


def without_comments(text: str) -> str:
    """``text`` without the comments that a run of ``init`` wrote at its end."""
    before, marker, after = text.partition(f"{REWRITTEN}\n")
    if not marker:
        return text
    lines = after.splitlines(keepends=True)
    while lines and (not lines[0].strip() or lines[0].startswith("#")):
        lines.pop(0)
    return before.rstrip("\n") + "\n" + "".join(["\n", *lines] if lines else [])


def _added(text: str, key: str, entries: str, spaced: bool) -> str:
    """``text`` with ``entries`` after the last one of a top-level key; ``spaced``: a blank line."""
    import yaml

    if not entries:
        return text
    root = yaml.compose(text, yaml.SafeLoader)
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    node = next((value for name, value in pairs if name.value == key), None)
    if node is None:
        return f"{''.join(lines)}\n{key}:\n{textwrap.indent(entries, '  ')}"
    at, indent = node.start_mark.line, 2
    if node.value and isinstance(node, yaml.CollectionNode):
        if node.flow_style:
            raise NotExtendable(f"{key} is written in brackets; write one entry on each line")
        at, indent = _last_line(node), node.start_mark.column
        entries = "\n" * spaced + textwrap.indent(entries, " " * indent)
    else:  # nothing, or empty brackets
        column = node.start_mark.column
        lines[at] = lines[at][:column].rstrip() + "\n"
        entries = textwrap.indent(entries, " " * indent)
    return "".join([*lines[: at + 1], entries, *lines[at + 1 :]])


def _last_line(node: yaml.Node) -> int:
    """The line on which a block of YAML ends, without the comments after it."""
    import yaml

    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _last_line(last[1] if isinstance(last, tuple) else last)
    mark = node.end_mark
    return int(mark.line) - (mark.column == 0 and mark.line > node.start_mark.line)
