"""Reads ``accepts: {from: FILE}``: the ranges that a deployment tool's file declares."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from archlint.contracts.contract import DeclaredRange, Input, SizeClause
from archlint.contracts.rulefile.mistake_collector import MistakeCollector
from archlint.contracts.rulefile.phrase_parser import parse_clause
from archlint.contracts.rulefile.ranges.declared import Profile
from archlint.contracts.rulefile.yaml_source import Place
from archlint.contracts.settings import shorten
from archlint.contracts.suggestions import did_you_mean
from archlint.errors import ArchlintError, RuleFileError


def declared_clause(
    collector: MistakeCollector, place: Place, entry: dict[str, Any], input: Input
) -> SizeClause | None:
    """The clause that ``input`` is accepted at all sizes of the file; ``None`` on a mistake.

    If the file declares several profiles, the sizes of each are in it.
    """
    from archlint.contracts.rulefile.ranges.forms import (  # few rule files need them
        FORMS,
        read_profiles,
    )

    name, form, tensor = (entry.get(key, "") for key in ("from", "form", "tensor"))
    if not all(isinstance(word, str) for word in (name, form, tensor)) or not name:
        return None
    if form and form not in FORMS:
        found = f"found the form {form!r}{did_you_mean(form, FORMS)}"
        collector.add((*place, "form"), found, f"one of {', '.join(FORMS)}")
        return None
    try:
        path = shorten(Path(collector.source.file).parent / name)
        profiles = read_profiles(path, form)
        if tensor:
            profiles = [_of_tensor(profile, tensor) for profile in profiles]
        return clause_of(profiles, input)
    except RuleFileError as e:
        collector.mistakes += e.mistakes
    except ArchlintError as e:
        collector.add(place, str(e))
    return None


def _of_tensor(profile: Profile, name: str) -> Profile:
    found = [t for t in profile.tensors if t.name == name]
    if not found:
        names = [t.name for t in profile.tensors]
        hint = did_you_mean(name, names) or f"; it has {', '.join(names)}"
        raise ArchlintError(f"{profile.where} has no tensor {name!r}{hint}")
    return replace(profile, tensors=tuple(found))


def clause_of(profiles: list[Profile], input: Input) -> SizeClause:
    """The clause that all sizes of the profiles are accepted.

    Raises:
        ArchlintError: the input does not fit a profile.
    """
    from archlint.contracts.rulefile.ranges.range_contract import contract_of_profile

    made = [contract_of_profile(profile, input) for profile in profiles]
    words = list(dict.fromkeys(m.accepts for m in made))
    if len(words) > 1 and "any size" not in words:
        text = "any " + " or ".join(f"({w.removeprefix('any ')})" for w in words)
    else:
        text = "any size" if "any size" in words else words[0]
    steps = made[0].steps if all(m.steps == made[0].steps for m in made) else {}
    declared = DeclaredRange(profiles[0].where, profiles[0].form, made[0].opt, steps)
    if len(profiles) > 1:
        regions = [parse_clause(m.accepts, "accepts").region for m in made]
        places = tuple((p.where, r) for p, r in zip(profiles, regions, strict=True))
        declared = replace(declared, profiles=places)
    return replace(parse_clause(text, "accepts"), declared=declared)
