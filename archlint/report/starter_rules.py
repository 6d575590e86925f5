"""The first rule file of a project: what its models accept, with comments to go on from."""

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
# Written by archlint init: what models of this project accept today. It is proved for all sizes,
# unless a comment says less.
#
# Make it say what they must accept, and why:
#   accepts: any P     every size with P is accepted; more may be
#   accepts: only P    a size is accepted if and only if P
#   why: ...           printed when a contract is broken
archlint: 1
"""
_WITHOUT = """\
# Without a contract. archlint infer TARGET --input SHAPE says what a model accepts:"""
_PARTS = """\
# Left out as parts of the models above. To promise something of one, add it to models:"""
_NEEDING = """\
# Left out because they are built with arguments. To add one, give them:
#   name: {target: ..., kwargs: {...}}"""
_UNREAD = """\
# Files that could not be read:"""


@dataclass(frozen=True)
class Asked:
    """A model and what is known of it: an entry, or the reason why there is none."""

    name: str
    target: str
    about: str = ""
    entry: AcceptedSet | None = None
    reason: str = ""

    @property
    def contract(self) -> dict[str, Any] | None:
        """What a rule file can promise of it."""
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
class Others:
    """What was found and not asked, as the rule file names it."""

    parts: Sequence[str] = ()
    needing: Sequence[str] = ()
    unread: Sequence[str] = ()


def rule_file(asked: Sequence[Asked], others: Others, schema: str) -> str:
    """The text of the rule file; ``schema`` is where an editor finds the JSON Schema."""
    held = [a for a in asked if a.contract]
    blocks = [f"# yaml-language-server: $schema={schema}\n#\n{_HEAD}"]
    blocks.append("models:\n" + "".join(f"  {_yaml(a.name, a.target)}" for a in held))
    blocks.append("contracts:\n" + "\n".join(map(_contract, held)))
    without = reasons(asked).splitlines()
    for title, lines in (
        (_WITHOUT, without),
        (_PARTS, others.parts),
        (_NEEDING, others.needing),
        (_UNREAD, others.unread),
    ):
        if lines:
            blocks.append("\n".join([title, *(part for line in lines for part in _item(line))]))
            blocks[-1] += "\n"
    return "\n".join(blocks)


def reasons(asked: Sequence[Asked]) -> str:
    """Why there is no contract: a line for each model without one."""
    return "\n".join(_why(a) for a in asked if not a.contract)


def _contract(asked: Asked) -> str:
    contract, entry = asked.contract, asked.entry
    assert contract is not None
    assert entry is not None
    lines = [f"# {asked.about}\n"] if asked.about else []
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


def _why(asked: Asked) -> str:
    reason = " ".join(asked.reason.split()) or "too little is known for a contract"
    line = reason if reason.startswith(asked.target) else f"{asked.target}: {reason}"
    return line if len(line) <= REASON else line[: REASON - 1] + "…"


def _item(line: str) -> Iterator[str]:
    """A comment of a list, without what would end it or could not be printed."""
    line = re.sub(r"[^\S ]|[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]", " ", line)
    for i, part in enumerate(textwrap.wrap(line, WIDTH - 6, break_on_hyphens=False)):
        yield f"#   {'  ' * bool(i)}{part}"
