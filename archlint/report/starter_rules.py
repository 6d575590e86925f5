"""The text of a project's first rule file: what its models accept, with comments."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from archlint.contracts.accepted_set import AcceptedSet, input_as_yaml

WIDTH = 100  # columns
REASON = 300  # characters of a reason

_HEAD = """\
# Written by archlint init: what the models of this project accept now. Every contract is proved
# for all sizes unless a comment says otherwise.
#
# Change it to what they must accept, and say why:
#   accepts: any P     every size with P is accepted; others may be
#   accepts: only P    a size is accepted if and only if P holds
#   why: ...           printed when a contract is broken
archlint: 1
"""
_WITHOUT = """\
# Without a contract. archlint infer TARGET --input SHAPE shows what a model accepts:"""
_PARTS = """\
# Skipped: part of a model above. To check one, add it to models:"""
_NEEDING = """\
# Skipped: needs arguments. To check one, add it to models with its arguments:
#   name: {target: ..., kwargs: {...}}"""
_UNREAD = """\
# Files that could not be read:"""


@dataclass(frozen=True)
class InferredModel:
    """A model and its accepted set ``entry``, or the ``reason`` why there is none."""

    name: str
    target: str
    about: str = ""
    entry: AcceptedSet | None = None
    reason: str = ""

    @property
    def contract(self) -> dict[str, Any] | None:
        """Its contract as data of a rule file; ``None`` if there is a reason against one."""
        if self.entry is None or self.reason:
            return None
        kind, clause = self.entry.clause
        if not clause or "…" in clause:
            return None
        contract = {"id": self.name, "models": self.name, "input": input_as_yaml(self.entry.input)}
        contract[kind] = clause
        if kind == "accepts" and self.entry.output is not None:
            contract["output"] = self.entry.output
        return contract


@dataclass(frozen=True)
class SkippedModels:
    """The models without inferred set, and the unread files, as lines for the rule file."""

    parts: Sequence[str] = ()
    needing: Sequence[str] = ()
    unread: Sequence[str] = ()


def rule_file(models: Sequence[InferredModel], skipped: SkippedModels, schema: str) -> str:
    """The text of the rule file; ``schema``: the path of the JSON Schema, for editors."""
    with_contract = [m for m in models if m.contract]
    blocks = [f"# yaml-language-server: $schema={schema}\n#\n{_HEAD}"]
    blocks.append("models:\n" + "".join(f"  {_yaml(m.name, m.target)}" for m in with_contract))
    blocks.append("contracts:\n" + "\n".join(map(_contract, with_contract)))
    without = reasons(models).splitlines()
    for title, lines in (
        (_WITHOUT, without),
        (_PARTS, skipped.parts),
        (_NEEDING, skipped.needing),
        (_UNREAD, skipped.unread),
    ):
        if lines:
            blocks.append("\n".join([title, *(part for line in lines for part in _item(line))]))
            blocks[-1] += "\n"
    return "\n".join(blocks)


def reasons(models: Sequence[InferredModel]) -> str:
    """A line for each model without a contract that says why."""
    return "\n".join(_why(m) for m in models if not m.contract)


def _contract(model: InferredModel) -> str:
    contract, entry = model.contract, model.entry
    assert contract is not None
    assert entry is not None
    lines = [f"# {model.about}\n"] if model.about else []
    if not entry.exact:
        lines.append("# Not exact: it may accept more.\n")
    first, *rest = (_yaml(key, value) for key, value in contract.items())
    lines += [f"- {first}", *(textwrap.indent(line, "  ") for line in rest)]
    return textwrap.indent("".join(lines), "  ")


def _yaml(key: str, value: Any) -> str:
    """One entry of a mapping, on one line where it fits."""
    import yaml

    nested = isinstance(value, (dict, list))
    text: str = yaml.safe_dump(
        {key: value}, sort_keys=False, allow_unicode=True, width=WIDTH - 8,
        default_flow_style=None if nested else False,
    )  # fmt: skip
    return text


def _why(model: InferredModel) -> str:
    reason = " ".join(model.reason.split()) or "the result is not enough for a contract"
    line = reason if reason.startswith(model.target) else f"{model.target}: {reason}"
    return line if len(line) <= REASON else line[: REASON - 1] + "…"


def _item(line: str) -> Iterator[str]:
    """A list item as comment lines, without line breaks and unprintable characters."""
    line = re.sub(r"[^\S ]|[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]", " ", line)
    for i, part in enumerate(textwrap.wrap(line, WIDTH - 6, break_on_hyphens=False)):
        yield f"#   {'  ' * bool(i)}{part}"
