"""``archlint rules explain``: contracts in plain words."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archlint.cli.exit_codes import EXIT_CANNOT_RUN, CannotRun

if TYPE_CHECKING:
    from archlint.contracts.contract import Contract
    from archlint.contracts.rulefile.pack_reader import Pack


@click.command()
@click.argument("word", metavar="PACK|FILE[:ID]")
@click.option("--with", "arguments", multiple=True, metavar="NAME=VALUE",
              help="Value of a parameter of the pack, in YAML (repeatable).")  # fmt: skip
@click.pass_context
def explain(ctx: click.Context, word: str, arguments: tuple[str, ...]) -> None:
    """Explain the contracts of a pack or rule file in plain words.

    FILE:ID is one contract of a rule file. Parameters of a pack default to their default values,
    else to the values of the pack's first example.

    Exit code: 0; 2 if there is no such pack or contract, or it has errors.
    """
    from archlint.project.packs.contract_text import explained

    file, _, name = word.rpartition(":")
    path = Path(file if file and Path(file).is_file() else word)
    if path.is_file() and not _is_pack(path):
        if arguments:
            raise click.UsageError("--with is for packs; a rule file has its own parameters")
        contracts, head = _of_rule_file(path, name if path == Path(file) else ""), ""
    else:
        contracts, head = _of_pack(word, arguments)
    blocks = [explained(contract) for contract in contracts]
    click.echo("\n\n".join([head, *blocks] if head else blocks))
    ctx.exit(0 if contracts else EXIT_CANNOT_RUN)


def _is_pack(path: Path) -> bool:
    from archlint.contracts.rulefile.schema_errors import is_pack
    from archlint.contracts.rulefile.yaml_source import read

    return is_pack(read(path)[0])


def _of_rule_file(path: Path, name: str) -> list[Contract]:
    from archlint.contracts.rulefile.load import load
    from archlint.contracts.suggestions import did_you_mean, listed

    contracts = load(path).contracts
    selected = [c for c in contracts if name in ("", c.id)]
    if not selected:
        ids = list(dict.fromkeys(c.id for c in contracts))
        hint = did_you_mean(name, ids) or f"; there are {listed(ids)}"
        raise CannotRun(f"{path}: no contract {name!r}{hint}")
    return [replace(c, id=f"{c.id} · {', '.join(r.name for r in c.models)}") for c in selected]


def _of_pack(word: str, arguments: tuple[str, ...]) -> tuple[list[Contract], str]:
    """The contracts of a pack, and a line with the values of its parameters."""
    from archlint.contracts.rulefile.mistake_collector import MistakeCollector
    from archlint.contracts.rulefile.pack_reader import defaults
    from archlint.contracts.rulefile.pack_use import instantiate
    from archlint.errors import RuleFileError
    from archlint.project.packs.find_packs import find_packs

    packs, errors = find_packs([word])
    if len(packs) != 1 or errors:
        several = f"{word!r} names {len(packs)} packs; expected one"
        raise CannotRun("\n".join(map(str, errors)) or several)
    pack = packs[0]
    own = _values(arguments, pack)
    values = {**{k: v for k, v in pack.first_values.items() if pack.parameters[k].required},
              **defaults(pack), **own}  # fmt: skip
    missing = [p.name for p in pack.parameters.values() if p.name not in values]
    if missing:
        raise CannotRun(f"{pack.name} needs --with {missing[0]}=…")
    contracts = []
    for template in pack.templates.values():
        contract, mistakes, _ = instantiate(
            pack, template, values, MistakeCollector(pack.source, []), {}
        )
        if mistakes:
            raise RuleFileError(mistakes)
        contracts.append(contract)
    text = ", ".join(f"{name} = {value}" for name, value in values.items())
    return contracts, f"{pack.name} with {text}" if text else pack.name


def _values(arguments: tuple[str, ...], pack: Pack) -> dict[str, object]:
    """The values of ``--with``. Raises ``click.BadParameter``."""
    from archlint.contracts.rulefile.mistake_collector import MistakeCollector
    from archlint.contracts.rulefile.pack_parameters import bind
    from archlint.contracts.rulefile.yaml_source import parse

    pairs = [word.partition("=") for word in arguments]
    bad = next(
        (word for word, (_, equals, _) in zip(arguments, pairs, strict=True) if not equals), ""
    )
    if bad:
        raise click.BadParameter(f"expected NAME=VALUE, found {bad!r}", param_hint="--with")
    text = "".join(f"{json.dumps(name)}: {value}\n" for name, _, value in pairs)
    if not text:
        return {}
    source, mistakes = parse(text, "--with")
    notes = MistakeCollector(source, mistakes)
    values = bind(notes, (), source.data, pack.parameters)
    if mistakes:
        raise click.BadParameter(mistakes[0].message, param_hint="--with")
    return values
