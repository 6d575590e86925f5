"""Ranges in the options of trtexec, polygraphy and onnxruntime's TensorRT provider.

They stand in shell scripts, Makefiles, CI files and lists of arguments in Python::

    trtexec --onnx=net.onnx --minShapes=images:1x3x32x32 --optShapes=… --maxShapes=…
    polygraphy run net.onnx --trt --trt-min-shapes images:[1,3,32,32] --trt-opt-shapes …
    "trt_profile_min_shapes": "images:1x3x32x32"

https://docs.nvidia.com/deeplearning/tensorrt/latest/reference/command-line-programs.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from archlint.contracts.rulefile.ranges.declared import DeclaredTensor, Profile, Span, box, mistake
from archlint.contracts.rulefile.ranges.script_variables import Variables, joined, unset_variable
from archlint.errors import Location

_OPTION = re.compile(
    r"(?P<start>\btrtexec\b|\bpolygraphy\s+\w+|\bcreateOptimizationProfile\b)"
    r"|--profile[= ](?P<profile>\d+)"
    r"|(?P<quote>[\"']?)--(?P<trtexec>min|opt|max)Shapes(?P=quote)(?:=|\s*,\s*|\s+)"
    r"|(?P<quote1>[\"']?)--(?P<shapes>shapes)(?P=quote1)(?:=|\s*,\s*|\s+)(?=[\"'$\\]*[\w./${}]+[\"']?:)"
    r"|(?P<quote2>[\"']?)--(?:trt-(?P<polygraphy>min|opt|max)-shapes|(?P<input>input-shapes))"
    r"(?P=quote2)(?:=|\s*,\s*|\s+)"
    r"|(?P<quote3>[\"']?)\btrt_profile_(?P<onnxruntime>min|opt|max)_shapes\b(?P=quote3)\]?\s*"
    r"(?:[:=|,]\s*)?"
    r"|(?P<quote4>[\"']?)(?<![\w-])(?P<key>min|opt|max)Shapes\b(?P=quote4)\]?\s*[:=]\s*"
    r"(?=[fFrR]{0,2}[\"']?[\w./{}]+[\"']?:[\d{])"
    r"|setDimensions\(\s*\"(?P<tensor>[^\"]+)\"\s*,\s*[\w:]*k(?P<cpp>MIN|OPT|MAX)\s*,"
    r"\s*(?P<dims>[^;]*?)\)\s*[;)]"
)
_MISSPELLED = re.compile(r"(?i)(?<![\w-])--?(min|opt|max)[_-]?shapes?\b(?=[= ])")
_QUOTED = re.compile(r"[fFrR]{0,2}('[^']*'|\"[^\"]*\")")  # with the prefix of Python's texts
_WORD = re.compile(
    r"(?:\$\(\([^\n]{0,999}?\)\)|\$\([^)]*\)|\$\{\{[^}]*\}\}|'[^'\n]*'|\"[^\"\n]*\"|\\.|[^\s'\"\\;&|)#])+"
)
_TENSOR = re.compile(
    r"(?P<name>[^,\s]+?):(?P<shape>\[[^\]]*\]|\d+(?:[xX*]\d+)*|scalar)(?=\s*(?:[,\s]|$))"
)
_SEPARATOR = re.compile(r"\s*[,\s]\s*")


@dataclass
class _Group:
    """The options of one profile so far."""

    line: int
    sizes: dict[str, dict[str, list[int]]] = field(default_factory=dict)  # kind, name
    lines: dict[str, int] = field(default_factory=dict)  # of each tensor


def read(text: str, file: str) -> list[Profile]:
    """The profiles in a file that runs one of the tools; empty if it states no shapes.

    Raises:
        RuleFileError: an option that does not parse, or min and max without each other.
    """
    plain = joined(text)
    variables = Variables(plain)
    profiles: dict[Profile, None] = {}
    for _ in variables.turns(file):
        profiles |= dict.fromkeys(_profiles(plain, file, text, variables))
    return list(profiles)


def _profiles(plain: str, file: str, text: str, variables: Variables) -> list[Profile]:
    groups: list[_Group] = []
    new = True
    for option, value, line in _options(plain, file, text, variables):
        if option in ("start", "profile"):
            new = True
            continue
        again = {} if new else groups[-1].sizes.get(option, {}).keys() & value.keys()
        if again and len({"min", "max"} & groups[-1].sizes.keys()) == 1:
            raise mistake(file, line, f"found the {option} shape of {min(again)} again",
                          "min, opt and max shapes of each tensor",
                          text.splitlines()[line - 1])  # fmt: skip
        if new or again:
            groups.append(_Group(line))
            new = False
        group = groups[-1]
        group.sizes.setdefault(option, {}).update(value)
        for name in value:
            group.lines.setdefault(name, line)
    if not groups and (wrong := _MISSPELLED.search(plain)):
        line = plain.count("\n", 0, wrong.start()) + 1
        raise mistake(file, line, f"found {wrong[0]}", f"--{wrong[1].lower()}Shapes=…",
                      plain.splitlines()[line - 1])  # fmt: skip
    return [_profile(group, file, plain) for group in groups if group.sizes]


def _options(
    text: str, file: str, original: str, variables: Variables
) -> Iterator[tuple[str, dict[str, list[int]], int]]:
    """Each option: its kind, the shapes by tensor, and its line in the original text."""
    lines = original.splitlines()
    for match in _OPTION.finditer(text):
        line = original.count("\n", 0, match.start()) + 1
        column = match.start() - original.rfind("\n", 0, match.start())
        if match["start"] or match["profile"]:
            yield "start" if match["start"] else "profile", {}, line
            continue
        kinds = ("trtexec", "shapes", "polygraphy", "input", "onnxruntime", "key", "cpp")
        kind = next(match[k] for k in kinds if match[k]).lower().removeprefix("input-")
        words = (
            f"{match['tensor']}:{_braces(match['dims'])}" if match["cpp"] else _value(text, match)
        )
        value = variables.expanded(words, match.start())
        value = re.sub(r"[\\'\"\0]", "", value).strip().rstrip(",")
        if unset := unset_variable(value):
            found = f"found the variable {unset!r}, which this file does not set"
            expected = "a number, or an assignment of one"
            raise mistake(file, line, found, expected, lines[line - 1], column)
        try:
            shapes = _shapes(value)
        except ValueError as e:
            raise mistake(file, line, f"found {e}", "name:1x3x32x32, and ',' between tensors",
                          lines[line - 1], column) from None  # fmt: skip
        yield kind, shapes, line


def _braces(dims: str) -> str:
    """``nvinfer1::Dims{4, {1, 3, 32, 32}}`` or ``Dims4(1, 3, 32, 32)`` as ``1x3x32x32``."""
    inner = re.split(r"[({]", dims)[-1].rstrip(" )}")
    sizes = [s.strip() for s in inner.split(",")]
    return "x".join(f"${{{s}}}" if s.isidentifier() else s for s in sizes)


def _value(text: str, match: re.Match[str]) -> str:
    """The value of the option: up to the end of its quotes or word."""
    start = match.end()
    outer = next((q for q in (text[match.start()], text[match.start() - 1 : match.start()])
                  if q in ("'", '"')), "")  # fmt: skip
    name_is_quoted = any(match[g] for g in ("quote", "quote1", "quote2", "quote3", "quote4"))
    if outer and not name_is_quoted and not match["onnxruntime"]:
        # one quoted word "--minShapes=…", or quoted options that follow each other
        end = text.find(outer, start)
        return re.split(r"\s+-", text[start : end if end >= 0 else None], maxsplit=1)[0]
    quoted = _QUOTED.match(text, start)
    if quoted and (name_is_quoted or match["onnxruntime"] or match["key"]):
        return quoted[1]
    if match["onnxruntime"]:
        return re.split(r"[\s'\"]", text[start:], maxsplit=1)[0]
    found = _WORD.match(text, start)
    if found is None:
        return ""
    value, end = found[0], found.end()
    if match["polygraphy"] or match["input"]:  # further tensors are words of their own
        while more := re.compile(r"[\s,]+([\"']?[\w./:-]+:\[[^\]]*\][\"']?)").match(text, end):
            value, end = f"{value} {more[1]}", more.end()
        while value.count("[") > value.count("]") and (rest := _WORD.match(text, end + 1)):
            value, end = f"{value} {rest[0]}", rest.end()
    while value.endswith(",") and (
        rest := re.compile(r"\s+([\w./\"']+:\d[\w,:]*)").match(text, end)
    ):
        value, end = value + rest[1], rest.end()
    return value


def _shapes(value: str) -> dict[str, list[int]]:
    """``images:1x3x32x32,ids:1x16`` as shapes by tensor name; ``ValueError`` says what is wrong."""
    shapes: dict[str, list[int]] = {}
    position = 0
    while position < len(value):
        match = _TENSOR.match(value, position)
        separator = match and _SEPARATOR.match(value, match.end())
        if match is None or not (separator or match.end() == len(value)):
            raise ValueError(repr(value[position:]))
        sizes = re.findall(r"\d+", match["shape"])
        shapes[match["name"].strip()] = list(map(int, sizes))
        position = separator.end() if separator else match.end()
    if not shapes:
        raise ValueError("no shapes")
    return shapes


def _profile(group: _Group, file: str, text: str) -> Profile:
    sizes = group.sizes
    alone = sizes.get("shapes") if set(sizes) == {"shapes"} else None
    if set(sizes) - {"shapes"} == {"opt"}:  # trtexec takes opt for min and max then
        alone = sizes["opt"]
    if alone is not None:
        tensors = tuple(
            DeclaredTensor(name, tuple(map(Span.fixed, shape)), Location(file, group.lines[name]))
            for name, shape in alone.items()
        )
        return Profile("trtexec", tensors, Location(file, group.line))
    source = text.splitlines()[group.line - 1]
    for kind in ("min", "max"):
        other = "max" if kind == "min" else "min"
        for name in {**sizes.get(other, {}), **sizes.get("opt", {})}:
            if name not in sizes.get(kind, {}):
                raise mistake(file, group.lines[name], f"found no {kind} shape of {name}",
                              "min, opt and max shapes of each tensor", source)  # fmt: skip
    tensors = tuple(
        box(name, {k: sizes[k][name] for k in ("min", "opt", "max") if name in sizes.get(k, {})},
            Location(file, group.lines[name]))
        for name in sizes["min"]
    )  # fmt: skip
    return Profile("trtexec", tensors, Location(file, group.line))


def write(profiles: Sequence[Profile]) -> str:
    """The options of trtexec, one line for each kind; several profiles are numbered."""
    commands = []
    for number, profile in enumerate(profiles):
        options = [f"--profile={number}"] if len(profiles) > 1 else []
        for kind in ("min", "opt", "max"):
            shapes = ",".join(f"{t.name}:{shape_text(t, kind)}" for t in profile.tensors)
            options.append(f"--{kind}Shapes={shapes}")
        commands.append(" \\\n  ".join(options))
    return "trtexec --onnx=model.onnx \\\n  " + " \\\n  ".join(commands) + "\n"


def shape_text(tensor: DeclaredTensor, kind: str) -> str:
    """``1x3x32x32`` for the ``min``, ``opt`` or ``max`` shape."""
    return "x".join(map(str, corner(tensor, kind)))


def corner(tensor: DeclaredTensor, kind: str) -> tuple[int, ...]:
    """The ``min``, ``opt`` or ``max`` shape of a tensor with bounded spans."""
    sizes = []
    for span in tensor.spans or ():
        assert span.high is not None
        sizes.append({"min": span.low, "opt": span.typical, "max": span.high}[kind])
    return tuple(sizes)
