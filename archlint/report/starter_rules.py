"""The text of a project's first rule file: what its models accept, with comments."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from archlint.contracts.accepted_set import AcceptedSet

WIDTH = 100  # columns
REASON = 300  # characters of a reason

HEAD = """\
# Written by archlint init: what the models of this project accept now. Every contract is proved
# for all sizes unless a comment says otherwise.
#
# Change it to what they must accept, and say why:
#   accepts: any P     every size with P is accepted; others may be
#   accepts: only P    a size is accepted if and only if P holds
#   why: ...           printed when a contract is broken
archlint: 1
"""
REWRITTEN = """\
# The comments from here on are for you; archlint init writes them again each time it runs."""
_OPTION = re.compile(r"--[a-z]+ '[^']*'|--[a-z]+ \"[^\"]*\"")
"""An option with its value, to be pasted into a shell."""
_WITHOUT = """\
# Without a contract. archlint infer TARGET --input SHAPE shows what a model accepts:"""
_LATER = """\
# Not tried yet, because the time was up. archlint init continues with them:"""
_PARTS = """\
# Skipped: part of a model above. To check one, add it to models:"""
_NEEDING = """\
# Skipped: needs arguments. To check one, move its line under the line models: (write that
# line if there is none), replace the dots with values (an object of a class or function is
# {of: model.py:Config, depth: 2}), and run archlint init again:"""
_UNREAD = """\
# Files that could not be read:"""


@dataclass(frozen=True)
class InferredModel:
    """A model and its accepted set ``entry``, or the ``reason`` why there is none.

    ``kwargs``: its arguments, as in a rule file. ``listed``: the rule file has the model already.
    ``command``: what names it on the command line, if that is not its target.
    """

    name: str
    target: str
    about: str = ""
    entry: AcceptedSet | None = None
    reason: str = ""
    kwargs: dict[str, Any] = field(default_factory=dict)
    listed: bool = False
    command: str = ""

    @property
    def argument(self) -> str:
        """What ``archlint infer`` takes for the model in the project's root."""
        return self.command or self.target

    @property
    def contract(self) -> dict[str, Any] | None:
        """Its contract as data of a rule file; ``None`` if there is a reason against one."""
        if self.entry is None or self.reason:
            return None
        contract = self.entry.contract(self.name, self.name)
        if contract is not None and "accepts" in contract:
            # Not "only": a model that accepts more than it did must not break its contract.
            contract["accepts"] = re.sub("^only ", "any ", contract["accepts"])
        return contract


@dataclass(frozen=True)
class SkippedModels:
    """The models without inferred set, and the unread files, as lines for the rule file."""

    parts: Sequence[str] = ()
    needing: Sequence[str] = ()
    unread: Sequence[str] = ()
    later: Sequence[str] = ()


def rule_file(models: Sequence[InferredModel], skipped: SkippedModels, schema: str) -> str:
    """The text of the rule file; ``schema``: the path of the JSON Schema, for editors."""
    blocks = [f"# yaml-language-server: $schema={schema}\n#\n{HEAD}"]
    entries = model_entries(models)
    blocks.append("models:\n" + "".join(f"  {line}" for line in entries) if entries else "")
    contracts = contract_blocks(models)
    blocks.append("contracts:\n" + textwrap.indent("\n".join(contracts), "  "))
    if not contracts:
        blocks[-1] = "contracts: []\n"
    return "\n".join(filter(None, (*blocks, comments(models, skipped))))


def model_entries(models: Sequence[InferredModel]) -> list[str]:
    """The entries of ``models:`` for the models that have a contract, each with a newline."""
    return [model_entry(m) for m in models if m.contract and not m.listed]


def model_entry(model: InferredModel) -> str:
    """``name: target``, or ``name: {target: ..., kwargs: {...}}`` on one line."""
    import yaml

    if not model.kwargs:
        return _yaml(model.name, model.target)
    details = {"target": model.target, "kwargs": model.kwargs}
    text: str = yaml.safe_dump(
        {model.name: details}, sort_keys=False, allow_unicode=True, width=1 << 20,
        default_flow_style=True,
    )  # fmt: skip
    return text.strip()[1:-1].replace("'...'", "...") + "\n"


def contract_blocks(models: Sequence[InferredModel]) -> list[str]:
    """The entries of ``contracts:``, each with its comments."""
    return [_contract(m) for m in models if m.contract]


def comments(models: Sequence[InferredModel], skipped: SkippedModels) -> str:
    """The comments at the end of the file: the models without a contract; empty if none is."""
    blocks = []
    for title, lines in (
        (_WITHOUT, reasons(models)),
        (_LATER, skipped.later),
        (_PARTS, skipped.parts),
        (_NEEDING, skipped.needing),
        (_UNREAD, skipped.unread),
    ):
        if lines:
            wide = lines is skipped.needing  # each is to be moved as one line
            items = (part for line in lines for part in _item(line, 0 if wide else WIDTH - 6))
            blocks.append("\n".join([title, *items]) + "\n")
    return "\n".join([f"{REWRITTEN}\n", *blocks]) if blocks else ""


def reasons(models: Sequence[InferredModel]) -> list[str]:
    """Why each model without a contract has none; models with the same reason share a line."""
    same: dict[str, list[InferredModel]] = {}
    for model in models:
        if not model.contract:
            same.setdefault(cause(model), []).append(model)
    return [f"{', '.join(m.argument for m in g)}: {reason(g[0])}" for g in same.values()]


def cause(model: InferredModel) -> str:
    """:func:`reason` without its place: equal for models that lack the same package."""
    return re.sub(r" \(\S+:\d+\)$", "", reason(model))


def _contract(model: InferredModel) -> str:
    contract, entry = model.contract, model.entry
    assert contract is not None
    assert entry is not None
    lines = [f"# {model.about}\n"] if model.about else []
    if not entry.exact:
        lines.append("# Not exact: it may accept more.\n")
    first, *rest = (_yaml(key, value) for key, value in contract.items())
    lines += [f"- {first}", *(textwrap.indent(line, "  ") for line in rest)]
    return "".join(lines)


def _yaml(key: str, value: Any) -> str:
    """One entry of a mapping, on one line where it fits."""
    import yaml

    nested = isinstance(value, (dict, list))
    text: str = yaml.safe_dump(
        {key: value}, sort_keys=False, allow_unicode=True, width=WIDTH - 8,
        default_flow_style=None if nested else False,
    )  # fmt: skip
    return text


def reason(model: InferredModel) -> str:
    """Why a model has no contract, on one line, without its target or module at the beginning."""
    unproved = "; ".join(model.entry.reasons) if model.entry else ""
    text = " ".join((model.reason or f"nothing is proved: {unproved}").split())
    for own in (model.target, model.target.rpartition(":")[0]):
        text = re.sub(rf"^{re.escape(own)}[: ]\s*", "", text)
    return text if len(text) <= REASON else text[: REASON - 1] + "…"


def _item(line: str, width: int) -> Iterator[str]:
    """A list item as comment lines of ``width`` (0: one line), without unprintable characters."""
    line = re.sub(r"[^\S ]|[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]", " ", line)
    for i, part in enumerate(_wrapped(line, width or 1 << 20)):
        yield f"#   {'  ' * bool(i)}{part}"


def _wrapped(line: str, width: int) -> list[str]:
    """The lines of a text; an option, or a name longer than a line, stays whole, to be pasted."""
    whole = _OPTION.sub(lambda m: m[0].replace(" ", "\0"), line)
    lines = textwrap.wrap(whole, width, break_on_hyphens=False, break_long_words=False)
    return [part.replace("\0", " ") for part in lines]
