"""Ranges in the options of OpenVINO's tools: ``ovc``, ``mo`` and ``benchmark_app``.

``ovc net.onnx --input "images[1..8,3,32..1024,-1]"``, ``mo --input a,b --input_shape [1,3],[1,9]``
and ``benchmark_app -m net.xml -shape "images[1,3,224,224]"``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from archlint.contracts.rulefile.ranges.declared import DeclaredTensor, Profile, mistake
from archlint.contracts.rulefile.ranges.openvino_shapes import spans_of
from archlint.contracts.rulefile.ranges.script_variables import Variables, joined, unset_variable
from archlint.errors import Location

_TOOL = re.compile(r"(?<![\w.-])(?:ovc|mo(?:\.py)?|benchmark_app)(?=[\s\"'])[^\n;&|]*")
_CONTINUED = re.compile(r"[\\^`][ \t]*\r?\n")
_OPTION = re.compile(
    r"(?<![\w-])--?(?P<name>input_shape|input|data_shape|shape)[\"']?(?:=|\s*,\s*|\s+)"
    r"(?P<value>\"[^\"]*\"|'[^']*'|[^\s\"']+)"
)
_TENSOR = re.compile(
    r"(?P<name>[^\[\](),\s{}]*)(?:\{\w*\})?[ ]*(?P<shape>[\[(][^\])]*[\])])?(?:\{\w*\})?"
)


def read(text: str, file: str) -> list[Profile]:
    """The inputs of each call of a tool that states shapes.

    Raises:
        RuleFileError: a shape that does not parse, or has a variable that the file does not set.
    """
    plain = joined(_CONTINUED.sub(lambda m: " " * len(m[0]), text))
    variables = Variables(plain)
    profiles: dict[Profile, None] = {}
    for _ in variables.turns(file):
        for tool in _TOOL.finditer(plain):
            tensors = tuple(_tensors(tool, variables, file, text))
            if tensors:
                profiles[Profile("openvino", tensors, tensors[0].where)] = None
    return list(profiles)


def _tensors(
    tool: re.Match[str], variables: Variables, file: str, text: str
) -> Iterator[DeclaredTensor]:
    names: list[str] = []
    shapes: list[tuple[str, int]] = []
    for option in _OPTION.finditer(tool[0]):
        position = tool.start() + option.start()
        line = text.count("\n", 0, position) + 1
        value = variables.expanded(option["value"], position).strip("\"'")
        found = [m for m in _TENSOR.finditer(value) if m["name"] or m["shape"]]
        stated = "".join(m["shape"] or "" for m in found)
        if unset := unset_variable(stated):
            found_unset = f"found the variable {unset!r}, which this file does not set"
            raise mistake(file, line, found_unset, "a number, or an assignment of one",
                          text.splitlines()[line - 1])  # fmt: skip
        if option["name"] != "input_shape":
            names += [m["name"] for m in found]
        shapes += [(m["shape"], line) for m in found if m["shape"]]
    for index, (shape, line) in enumerate(shapes):
        spans = spans_of(f"[{shape[1:-1]}]", file, line)
        name = names[index] if index < len(names) else ""
        if spans is not None:
            yield DeclaredTensor(name or f"input_{index}", spans, Location(file, line))
