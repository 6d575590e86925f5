"""The forms of ``--form`` and ``--to``, one for each tool, with their readers and writers.

A new form is a module beside this one, an entry in the tables here, and its name in the option
``--to`` (:mod:`archlint.cli.export_ranges`, which imports little).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from archlint.contracts.rulefile.ranges import (
    coreml_shapes,
    export_dims,
    json_ranges,
    mark_dynamic,
    onnx_inputs,
    openvino_options,
    openvino_shapes,
    shapes_spec,
    tensorrt_profiles,
    triton_config,
    trtexec_options,
)
from archlint.contracts.rulefile.ranges.declared import Profile, mistake
from archlint.contracts.rulefile.ranges.python_values import evaluate
from archlint.contracts.rulefile.yaml_source import read_text
from archlint.contracts.suggestions import did_you_mean
from archlint.errors import ArchlintError

Writer = Callable[[Sequence[Profile]], str]

WRITERS: Mapping[str, Writer] = {
    "trtexec": trtexec_options.write,
    "tensorrt": tensorrt_profiles.write_tensorrt,
    "polygraphy": tensorrt_profiles.write_polygraphy,
    "torch-tensorrt": tensorrt_profiles.write_torch_tensorrt,
    "triton": triton_config.write,
    "onnx": export_dims.write_onnx,
    "openvino": openvino_shapes.write,
    "coreml": coreml_shapes.write,
    "torch-export": export_dims.write,
    "shapes-spec": shapes_spec.write,
    "compile": mark_dynamic.write,
    "json": json_ranges.write,
}
"""The forms, each with the function that writes profiles in it."""

TRIED: Mapping[str, Sequence[Writer]] = {
    "torch-export": (export_dims.write, export_dims.write_compared, export_dims.write_hints),
    "shapes-spec": (shapes_spec.write,),
}
"""Forms of code that ``export-ranges`` runs before it prints it: how each can be written."""

FORMS = tuple(WRITERS)
ONE_PROFILE = frozenset({"triton", "onnx", "openvino", "coreml", "compile"})
"""Forms that state one range for each tensor; a file of another form can hold several profiles."""

WITHOUT_STEPS = frozenset({
    "trtexec", "tensorrt", "polygraphy", "torch-tensorrt", "triton", "openvino", "compile",
})  # fmt: skip
"""Forms that cannot say that a size is a multiple."""

WITHOUT_INFINITY = frozenset({"trtexec", "tensorrt", "polygraphy", "torch-tensorrt"})
"""Forms in which every range has an end."""

WITH_ARGUMENTS = frozenset({"torch-export", "onnx", "shapes-spec", "compile"})
"""Forms that are written with example arguments of the model."""

CHECK = "Check it with archlint check --profile FILE"
"""The comment with the command that checks a written file, and the model's input."""

_PYTHON = (
    tensorrt_profiles.read,
    openvino_shapes.read,
    coreml_shapes.read,
    export_dims.read,
    shapes_spec.read,
    mark_dynamic.read,
)
_IN_PYTHON = frozenset(FORMS) - {"trtexec", "triton", "json"}
_KIND = "a file that declares ranges"
_EXPORTED = (".pt2", ".pte", ".xml", ".engine", ".plan", ".trt", ".mlmodel", ".mlpackage")


def read_profiles(path: Path, form: str = "") -> list[Profile]:
    """The profiles that a file declares, in the order of the file.

    ``form``: only profiles of this form; empty for any.

    Raises:
        ArchlintError: the file cannot be read, declares nothing, or has mistakes.
    """
    file = str(path)
    if form and form not in FORMS:
        raise ArchlintError(
            f"{form!r} is not a form of ranges{did_you_mean(form, FORMS)}; expected one of "
            f"{', '.join(FORMS)}"
        )
    if path.suffix == ".onnx":
        if not path.is_file():
            raise mistake(file, 1, "this file does not exist", _KIND)
        return onnx_inputs.read_file(path, file)
    if path.suffix in _EXPORTED and path.is_file():
        raise mistake(
            file, 1, f"found an exported model ({path.suffix}), of which archlint reads no ranges",
            "the script that exports it; archlint compare-artifact runs the model itself",
        )  # fmt: skip
    text = read_text(path, _KIND)
    profiles = list(dict.fromkeys(_profiles(text, path, form)))
    exports = {"onnx", "torch-export"}
    same = exports if form in exports else {form}  # the same calls declare both
    found = [p for p in profiles if not form or p.form in same]
    if not found:
        others = ", ".join(dict.fromkeys(p.form for p in profiles))
        what = f"ranges of the form {form}" if form else "ranges that archlint reads"
        usual = _usual(text) if path.suffix == ".py" else "trtexec"
        expected = (
            f"the form {others}"
            if others
            else _EXAMPLES.get(
                form, f"for example {_EXAMPLES[usual]}; or another of the forms {', '.join(FORMS)}"
            )
        )
        raise mistake(file, 1, f"found no {what}", expected)
    for profile in found:
        _require_order(profile)
    return [replace(p, form=form) if form else p for p in found]


def _usual(text: str) -> str:
    """The form of the tool that a Python file uses."""
    tools = (tool for tool, word in _TOOLS.items() if re.search(word, text))
    return next(tools, "torch-export")


_TOOLS = {
    "openvino": r"(?m)^\s*(?:import|from) openvino\b",
    "coreml": r"(?m)^\s*(?:import|from) coremltools\b",
    "torch-tensorrt": r"(?m)^\s*(?:import|from) torch_tensorrt\b",
    "polygraphy": r"(?m)^\s*(?:import|from) polygraphy\b",
    "tensorrt": r"(?m)^\s*(?:import|from) tensorrt\b",
    "onnx": r"\bonnx\.export\(",
}


def _require_order(profile: Profile) -> None:
    """Refuse a range without sizes, and a tensor that is listed twice."""
    names = set()
    for tensor in profile.tensors:
        file, line = tensor.where.file, tensor.where.line
        if tensor.name in names:
            raise mistake(file, line, f"found the tensor {tensor.name} again", "each tensor once")
        names.add(tensor.name)
        for index, span in tensor.partial or enumerate(tensor.spans or ()):
            if span.high is not None and span.high < span.low:
                found = f"found the range {span.low} to {span.high} for dimension {index}"
                raise mistake(file, line, f"{found} of {tensor.name}", "min <= max")


_EXAMPLES = {
    "trtexec": "--minShapes=images:1x3x32x32 --optShapes=… --maxShapes=…",
    "tensorrt": 'profile.set_shape("images", min=…, opt=…, max=…)',
    "polygraphy": 'Profile().add("images", min=…, opt=…, max=…)',
    "torch-tensorrt": "torch_tensorrt.Input(min_shape=…, opt_shape=…, max_shape=…)",
    "openvino": 'PartialShape("[1..64,3,32..1024,32..]")',
    "coreml": 'ct.TensorType(name="images", shape=(1, 3, ct.RangeDim(32, 1024), …))',
    "torch-export": "dynamic_shapes= with Dim",
    "onnx": "dynamic_axes= or dynamic_shapes=",
    "shapes-spec": "ShapesSpec({…})",
    "compile": "torch._dynamo.mark_dynamic(x, 2, min=…, max=…)",
}


def stated_input(path: Path) -> str:
    """The ``--input`` in the comment that ``export-ranges`` writes; empty without one."""
    if path.suffix == ".onnx":
        return ""
    check = re.search(rf"(?m)^[#/ ]*{CHECK}.* --input (.*?)\r?$", read_text(path, _KIND))
    try:
        return shlex.split(check[1])[0] if check else ""
    except (ValueError, IndexError):
        return ""


def _profiles(text: str, path: Path, form: str) -> list[Profile]:
    file = str(path)
    if path.suffix == ".pbtxt" or form == "triton":
        return triton_config.read(text, file)
    if path.suffix == ".json" or form == "json":
        return json_ranges.read(text, file)
    script = form == "openvino" and path.suffix != ".py"
    if (form in _IN_PYTHON and not script) or (path.suffix == ".py" and form != "trtexec"):
        calls, assignments = evaluate(text, file)
        profiles = [p for read in _PYTHON for p in read(calls, assignments, file)]
        if profiles or form:
            return sorted(profiles, key=lambda p: p.where.line)
    found = trtexec_options.read(text, file) + openvino_options.read(text, file)
    if not found and path.suffix in (".yaml", ".yml") and form != "trtexec":
        return json_ranges.read(text, file)
    return found
