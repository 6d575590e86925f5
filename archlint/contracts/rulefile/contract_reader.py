"""Reads models and contracts of a rule file, and collects mistakes in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from archlint.contracts.contract import (
    NO_SIZE_CLAUSE,
    Artifact,
    Budget,
    Contract,
    Input,
    ModelRef,
    SizeClause,
)
from archlint.contracts.region import bounds_of
from archlint.contracts.rulefile.cost_reader import read_costs
from archlint.contracts.rulefile.declared_clause import declared_clause
from archlint.contracts.rulefile.mistake_collector import MistakeCollector
from archlint.contracts.rulefile.overrides import severity_of
from archlint.contracts.rulefile.phrase_parser import parse_clause
from archlint.contracts.rulefile.shape_reader import check_symbols, read_input, read_output
from archlint.contracts.rulefile.structure_reader import check_structure, read_structure
from archlint.contracts.rulefile.yaml_source import Place
from archlint.contracts.settings import project_root
from archlint.contracts.suggestions import did_you_mean
from archlint.errors import PhraseError

T = TypeVar("T")

ZOOS = ("torchvision", "timm", "fixture")
"""Built-in prefixes of targets, as in ``torchvision:resnet18``. Plugins may add others."""

_PREFIXED = re.compile(r"[A-Za-z][\w-]*:(?![\s/\\])[^\0\n]*\S")
_TARGET = re.compile(
    r"(?:[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*|[^:\0]*[^:\0/\\]\.py):[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*"
    rf"|(?:{'|'.join(ZOOS)}):[\w.\-/@]+"
)
NAME = re.compile(r"[A-Za-z0-9._-]+")
NAME_WORDS = "letters, digits, '.', '_' and '-'"
_MEMORY = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*([KMGT]?)(i?)B")
_TARGET_WORDS = "pkg.mod:factory, path/file.py:factory or torchvision:NAME"


def read_artifact(value: object) -> Artifact | None:
    """The artifact of a contract, with defaults for what it does not set."""
    if not isinstance(value, dict) or not isinstance(value.get("path"), str):
        return None
    keys = ("path", "runtime", "outside", "tolerance", "shapes_only")
    return Artifact(**{k: v for k, v in value.items() if k in keys})


class ContractReader:
    """Reads models and contracts of one file; mistakes go to ``collector``."""

    def __init__(self, collector: MistakeCollector) -> None:
        self.collector = collector
        self.source = collector.source

    def section(self, name: str, kind: type[T]) -> T:
        """The value of a top-level key, or an empty one if it is missing or of another type."""
        data = self.source.data
        value = data.get(name) if isinstance(data, dict) else None
        return value if isinstance(value, kind) else kind()

    def models(self) -> dict[str, ModelRef]:
        """The models of the file by name."""
        found: dict[str, ModelRef] = {}
        for name, entry in self.section("models", dict).items():
            place: Place = ("models", name)
            if not NAME.fullmatch(name):
                self.collector.add(place, f"found the model name {name!r}", NAME_WORDS, key=True)
            details = entry if isinstance(entry, dict) else {}
            target = details.get("target") if details else entry
            if isinstance(target, str) and target:
                self.check_target((*place, "target") if details else place, target)
            args, kwargs = details.get("args"), details.get("kwargs")
            found[name] = ModelRef(
                name,
                target if isinstance(target, str) else "",
                tuple(args) if isinstance(args, list) else (),
                kwargs if isinstance(kwargs, dict) else {},
                self.source.where(place, key=True),
            )
        return found

    def check_target(self, place: Place, target: str) -> None:
        """Report a target with a syntax error or an unknown prefix."""
        if _TARGET.fullmatch(target):
            return
        expected = _TARGET_WORDS
        if _PREFIXED.fullmatch(target):
            if target.partition(":")[0] in self.prefixes:
                return
            expected += f"; the prefixes are {', '.join(sorted((*ZOOS, *self.prefixes)))}"
        self.collector.add(place, f"{target!r} is not a valid target", expected)

    @cached_property
    def prefixes(self) -> tuple[str, ...]:
        """The target prefixes of plugins. Looked up only if a target has no built-in prefix."""
        from archlint.contracts.plugins import prefixes

        return prefixes(project_root(Path(self.source.file).parent))

    def contracts(self, models: dict[str, ModelRef]) -> Iterator[Contract]:
        """The contracts of the file; ``models`` are those that their ``models:`` may name."""
        lines: dict[str, int] = {}
        for i, entry in enumerate(self.section("contracts", list)):
            place: Place = ("contracts", i)
            if not isinstance(entry, dict):
                continue
            name = entry.get("id")
            if isinstance(name, str) and name:
                at: Place = (*place, "id")
                if not NAME.fullmatch(name):
                    self.collector.add(at, f"found the id {name!r}", NAME_WORDS)
                elif name in lines:
                    found = f"found the id {name!r} again; the first is on line {lines[name]}"
                    self.collector.add(at, found, "each id once")
                else:
                    lines[name] = self.source.where(at).line
            yield self.contract(place, entry, models)

    def contract(
        self, place: Place, entry: dict[str, Any], models: dict[str, ModelRef]
    ) -> Contract:
        """The contract at ``place``; parts with mistakes are left out."""
        symbols: set[str] = set()
        inputs = read_input(self.collector, (*place, "input"), entry.get("input"), symbols)
        check_structure(self.collector, place, entry)
        clause = self.clause(place, entry, inputs)
        bounds = bounds_of(clause.region) if clause is not None else {}
        output = read_output(self.collector, (*place, "output"), entry.get("output"), bounds)
        if inputs is not None:
            check_symbols(self.collector, place, entry, symbols)
        if entry.get("costs") and "rejects" in entry:
            expected = "accepts, or two contracts: rejected sizes cost nothing"
            self.collector.add((*place, "costs"), "found costs beside rejects", expected, key=True)
        xfail = entry.get("xfail")
        strict = xfail.get("strict", True) if isinstance(xfail, dict) else True
        reason = xfail.get("reason") if isinstance(xfail, dict) else xfail
        return Contract(
            id=str(entry.get("id")),
            input=inputs if inputs is not None else [],
            clause=clause or NO_SIZE_CLAUSE,
            output=output,
            models=self.select_models((*place, "models"), entry.get("models"), models),
            why=str(entry.get("why", "")),
            mode=str(entry.get("mode", "eval")),
            samples=entry.get("samples"),
            budget=self.budget((*place, "budget"), entry.get("budget")),
            where=self.source.where(place),
            skip=entry.get("skip"),
            xfail=reason,
            xfail_strict=strict,
            structure=read_structure(entry.get("structure")),
            artifact=read_artifact(entry.get("artifact")),
            costs=read_costs(self.collector, (*place, "costs"), entry.get("costs"), inputs),
            severity=severity_of(entry) or "error",
        )

    def select_models(
        self, place: Place, selection: object, models: dict[str, ModelRef]
    ) -> tuple[ModelRef, ...]:
        """The models that names, globs and targets select, without repetition."""
        found: dict[str, ModelRef] = {}
        words = list(enumerate(selection)) if isinstance(selection, list) else [(None, selection)]
        for i, word in words:
            at = place if i is None else (*place, i)
            if not isinstance(word, str) or not word:
                continue
            if ":" in word:
                self.check_target(at, word)
                found.setdefault(word, ModelRef(word, word, where=self.source.where(at)))
                continue
            glob = any(c in word for c in "*?[")
            matches = [m for m in models if (fnmatchcase(m, word) if glob else m == word)]
            for name in matches:
                found.setdefault(name, models[name])
            if not matches:
                what = f"found {word!r}, which " + (
                    "matches no model" if glob else "is not a model"
                )
                expected = (
                    "a name, a glob or a target" if models else "a target: the file names no models"
                )
                plain = re.sub(r"[*?\[\]]", "", word)
                self.collector.add(at, what + did_you_mean(plain, list(models)), expected)
        return tuple(found.values())

    def clause(
        self, place: Place, entry: dict[str, Any], inputs: Input | None
    ) -> SizeClause | None:
        """The ``accepts:`` or ``rejects:`` of a contract; ``None`` if it has none or a mistake."""
        kinds = [k for k in entry if k in ("accepts", "rejects")]
        if not kinds and not entry.keys() & {"structure", "costs"}:
            expected = "accepts, rejects, structure or costs"
            self.collector.add(place, "found a contract that checks nothing", expected)
        if len(kinds) > 1:
            found = "found accepts and rejects in one contract"
            self.collector.add(
                (*place, kinds[1]), found, "one of them; write two contracts for both", key=True
            )
        result = None
        for kind in kinds:
            text, at = entry[kind], (*place, kind)
            if isinstance(text, dict) and kind == "accepts" and inputs is not None:
                result = declared_clause(self.collector, at, text, inputs)
            if isinstance(text, str) and text:
                try:
                    result = parse_clause(text, kind)
                except PhraseError as error:
                    self.collector.add_phrase(at, text, error)
        return result

    def budget(self, place: Place, value: object) -> Budget:
        """The budget, with defaults for what it does not set."""
        if not isinstance(value, dict):
            return Budget()
        limits = {k: v for k, v in value.items() if k in ("paths", "seconds", "memory")}
        memory = limits.get("memory")
        if isinstance(memory, str) and memory:
            match = _MEMORY.fullmatch(memory)
            if match is None:
                self.collector.add(
                    (*place, "memory"),
                    f"found {memory!r}",
                    "a number of bytes, or text such as 512MB",
                )
            else:
                base = 1024 if match[3] else 1000
                power = " KMGT".index(match[2] or " ")
                limits["memory"] = memory = int(float(match[1]) * base**power)
        if isinstance(memory, int) and memory < 1:
            self.collector.add((*place, "memory"), f"found {memory}", "at least 1 byte")
        return Budget(**limits)
