"""Documentation of packs, from the packs and the source of their examples. Nothing runs."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Sequence
from pathlib import Path

import yaml

from archlint.contracts.rulefile.pack_parameters import Parameter
from archlint.contracts.rulefile.pack_reader import Example, Pack
from archlint.project.packs.pack_examples import layer, sizes

WIDTH = 96


def markdown(packs: Sequence[Pack]) -> str:
    """The packs as a Markdown page; with several packs, it starts with a list of them."""
    sections = ["\n".join(_section(pack)) for pack in packs]
    if len(packs) > 1:
        links = [f"- [{pack.name}](#{_anchor(pack.name)})" for pack in packs]
        head = [
            "# Packs",
            "",
            "<!-- written by archlint rules show --format markdown -->",
            "",
            *links,
        ]
        sections.insert(0, "\n".join(head))
    return "\n\n".join(sections)


def _anchor(title: str) -> str:
    """The anchor that Markdown generates for a heading."""
    return re.sub(r"[^a-z0-9_-]", "", title.lower().replace(" ", "-"))


def _section(pack: Pack) -> list[str]:
    lines = [f"## {pack.name}", "", *textwrap.wrap(pack.about.strip(), WIDTH), ""]
    if pack.extends:
        lines += [f"Extends {pack.extends}: its contracts are part of this pack.", ""]
    lines += ["```yaml", *_usage(pack), "```", ""]
    if pack.parameters:
        lines += ["| parameter | meaning | default |", "|---|---|---|"]
        lines += [_row(f"`{p.name}`", p.about, _default(p, "`")) for p in pack.parameters.values()]
        lines.append("")
    lines += ["```yaml", "contracts:", *(f"  {line}" for line in _contracts(pack)), "```", ""]
    lines += ["| example | with | result |", "|---|---|---|"]
    for example in pack.examples:
        about = f"`{_name(example)}`: {_docstring(example)}".rstrip(": ")
        lines.append(_row(about, f"`{_flow(example.values)}`", _result(example)))
    return lines


def text(pack: Pack) -> str:
    """The pack as text for a terminal."""
    lines = [pack.name, "", *textwrap.wrap(pack.about.strip(), WIDTH - 2), ""]
    if pack.extends:
        lines += [f"extends {pack.extends}", ""]
    lines += [*_usage(pack), "", "parameters:"]
    width = max((len(p.name) for p in pack.parameters.values()), default=0)
    lines += [f"  {p.name:<{width}}  {p.about} ({_default(p)})" for p in pack.parameters.values()]
    lines += ["", "contracts:", *(f"  {line}" for line in _contracts(pack)), "", "examples:"]
    for example in pack.examples:
        arguments = f", with {_flow(example.values)}" if example.values else ""
        lines.append(f"  {_name(example)}{arguments}: {_result(example)}")
        lines += [f"    {line}" for line in _docstring(example).splitlines()]
    return "\n".join([lines[0], *(f"  {line}".rstrip() for line in lines[1:])])


def _usage(pack: Pack) -> list[str]:
    needed = {p.name: "…" for p in pack.parameters.values() if p.required}
    values = _flow({name: pack.first_values.get(name, value) for name, value in needed.items()})
    name = pack.name if "/" in pack.name else f"./{pack.source.file}"
    lines = ["use:", f"  - pack: {name}", "    models: [my_model]"]
    return [*lines, f"    with: {values}"] if needed else lines


def _default(parameter: Parameter, quote: str = "") -> str:
    if parameter.required:
        return "required"
    value = parameter.default
    return f"{quote}{value if isinstance(value, (str, int)) else _flow(value)}{quote}"


def _contracts(pack: Pack) -> list[str]:
    """The contracts as their author wrote them, with parameters."""
    entries = []
    for template in pack.templates.values():
        entry = template.source.data
        for step in template.place:
            entry = entry[step]  # type: ignore[index]
        entries.append(entry)
    dumped = yaml.safe_dump(entries, sort_keys=False, allow_unicode=True, width=WIDTH)
    return dumped.rstrip().splitlines()


def _flow(value: object) -> str:
    """YAML on one line."""
    dumped = yaml.safe_dump(
        value, sort_keys=False, allow_unicode=True, default_flow_style=True, width=10_000
    )
    return dumped.strip().removesuffix("...").strip()


def _result(example: Example) -> str:
    if example.passes:
        return "keeps it"
    at = sizes(example.at or {})
    return f"breaks {example.contract} at {at}, {layer(example.layer)}"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _name(example: Example) -> str:
    arguments = ", ".join(
        [*map(repr, example.ref.args), *(f"{k}={v!r}" for k, v in example.ref.kwargs.items())]
    )
    return f"{example.ref.name}({arguments})" if arguments else example.ref.name


def _docstring(example: Example) -> str:
    """The first line of the model's docstring, if it is defined in a file."""
    file, _, name = example.ref.target.rpartition(":")
    where = example.ref.where
    if not file.endswith(".py") or where is None:
        return ""
    try:
        tree = ast.parse((Path(where.file).parent / file).read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    for node in tree.body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name == name:
            return (ast.get_docstring(node) or "").partition("\n")[0].rstrip(".")
    return ""
