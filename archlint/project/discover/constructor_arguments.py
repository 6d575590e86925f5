"""Arguments for models that need some: a configuration with defaults, and no downloads."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from archlint.project.discover.name_lookup import Definition, Project, Source, dotted_name

CONFIGURATIONS = ("config", "cfg", "conf", "configs", "args", "opt", "opts", "options", "params",
                  "hparams", "hps", "settings")  # fmt: skip
"""Names of parameters that take a configuration, also as ``model_config``."""

_LIKE = {"cfg": "config", "conf": "config", "configs": "config", "opt": "options",
         "opts": "options", "hparams": "params", "hps": "params"}  # fmt: skip
_FIELD_BASES = ("NamedTuple", "BaseModel", "PretrainedConfig")
UNKNOWN = "..."
"""What stands for a value that the user must write."""


@dataclass(frozen=True)
class Made:
    """An argument that is an object: what ``maker`` makes of arguments that ``needs`` names."""

    maker: Definition
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Arguments:
    """How to call a model: values by parameter, and ``needs``: those that nobody knows yet."""

    values: dict[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()

    def as_data(self, target: Callable[[Definition], str]) -> dict[str, Any]:
        """As ``kwargs`` of a rule file; ``target`` writes the target of a definition."""
        data: dict[str, Any] = {}
        for name, value in self.values.items():
            if isinstance(value, Made):
                data[name] = {"of": target(value.maker)} | dict.fromkeys(value.needs, UNKNOWN)
            else:
                data[name] = value
        return data | {name: UNKNOWN for name in self.needs if name not in data}


def arguments_of(
    function: ast.FunctionDef | None, skip: int, definition: Definition, project: Project
) -> Arguments:
    """The arguments of a function or an ``__init__``, without its first ``skip`` parameters.

    A required parameter that takes a configuration gets the class of the project that its
    annotation or its name points to. A parameter that would download weights gets ``False`` or
    ``None``.
    """
    if function is None:
        return Arguments()
    values: dict[str, Any] = {}
    needs = []
    for parameter, default in _parameters(function, skip):
        if default is None:
            maker = _configuration(parameter, definition, project)
            made = Made(maker, _required_fields(maker, project)) if maker else None
            if made is not None:
                values[parameter.arg] = made
            if made is None or made.needs:
                needs.append(parameter.arg)
        elif parameter.arg.startswith("pretrained") and _is(default, True):
            values[parameter.arg] = False
        elif parameter.arg.startswith("weights") and not _is(default, None):
            values[parameter.arg] = None
    return Arguments(values, tuple(needs))


def required(function: ast.FunctionDef, skip: int) -> tuple[str, ...]:
    """The parameters without a default, except the first ``skip``."""
    return tuple(p.arg for p, default in _parameters(function, skip) if default is None)


def names_of(function: ast.FunctionDef, skip: int) -> list[str]:
    """The parameters that a call can name, in their order, except the first ``skip``."""
    return [p.arg for p, _ in _parameters(function, skip)]


def _parameters(function: ast.FunctionDef, skip: int) -> Iterator[tuple[ast.arg, ast.expr | None]]:
    """The parameters that a call can name, each with its default."""
    a = function.args
    positional = [*a.posonlyargs, *a.args]
    free = len(positional) - len(a.defaults)
    for i, parameter in enumerate(positional):
        if i >= skip:
            yield parameter, a.defaults[i - free] if i >= free else None
    yield from zip(a.kwonlyargs, a.kw_defaults, strict=True)


def _is(node: ast.expr, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def _configuration(
    parameter: ast.arg, definition: Definition, project: Project
) -> Definition | None:
    """The class of the project whose instances the parameter takes, if that is clear."""
    source = definition.source
    if parameter.annotation is not None:
        return _settings_class(source, dotted_name(parameter.annotation), project)
    last = parameter.arg.rpartition("_")[2]
    if last not in CONFIGURATIONS:
        return None
    word = _LIKE.get(last, last).removesuffix("s")
    names = [n for n in (*source.definitions, *source.imports) if word in n.lower()]
    named = [c for n in names if (c := _settings_class(source, n, project)) is not None]
    of_model = [c for c in named if c.name.lower().startswith(definition.name.lower())]
    for choice in (of_model, named):
        if len(set(choice)) == 1:
            return choice[0]
    return None


def _settings_class(source: Source, name: str, project: Project) -> Definition | None:
    """The class of the project that a name means, if its instances are settings.

    They are not if the class is a model or an enumeration.
    """
    meaning = project.resolve(source, name)
    if not isinstance(meaning, Definition) or not isinstance(meaning.node, ast.ClassDef):
        return None
    lineage = _lineage(meaning, project)
    methods = {n.name for c in lineage for n in c.node.body if isinstance(n, ast.FunctionDef)}
    bases = [dotted_name(b) for c in lineage for b in getattr(c.node, "bases", ())]
    is_enumeration = any(base.endswith("Enum") for base in bases)
    return None if methods & {"forward", "__call__"} or is_enumeration else meaning


def _required_fields(definition: Definition, project: Project) -> tuple[str, ...]:
    """The arguments that making an instance of the class needs."""
    needs: dict[str, bool] = {}
    for each in reversed(_lineage(definition, project)):
        init = next(
            (n for n in each.node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"),
            None,
        )
        if init is not None:
            needs = dict.fromkeys(required(init, skip=1), True)
        elif _has_fields(each):
            for node in each.node.body:
                if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                    needs[node.target.id] = node.value is None and not _class_variable(node)
    return tuple(name for name, needed in needs.items() if needed)


def _has_fields(definition: Definition) -> bool:
    """Whether annotations of the class are its fields, as in a dataclass."""
    node = definition.node
    assert isinstance(node, ast.ClassDef)
    decorators = [d.func if isinstance(d, ast.Call) else d for d in node.decorator_list]
    return any(_last(d) in ("dataclass", "define", "attrs") for d in decorators) or any(
        _last(base) in _FIELD_BASES for base in node.bases
    )


def _last(node: ast.expr) -> str:
    return dotted_name(node).rpartition(".")[2]


def _class_variable(node: ast.AnnAssign) -> bool:
    kind = node.annotation.value if isinstance(node.annotation, ast.Subscript) else node.annotation
    return _last(kind) == "ClassVar"


def _lineage(definition: Definition, project: Project) -> list[Definition]:
    """The class and its base classes in the project, the class first."""
    lineage: list[Definition] = []
    todo = [definition]
    while todo:
        each = todo.pop(0)
        if each not in lineage and isinstance(each.node, ast.ClassDef):
            lineage.append(each)
            bases = (project.resolve(each.source, dotted_name(base)) for base in each.node.bases)
            todo += [base for base in bases if isinstance(base, Definition)]
    return lineage
