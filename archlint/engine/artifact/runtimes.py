"""The runtimes that can run an exported model. Each is an optional extra; imports are lazy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile, is_zipfile

from archlint.errors import ArchlintError

if TYPE_CHECKING:
    from numpy import ndarray

    Arrays = list[ndarray[Any, Any]]

PACKAGES = {
    "onnxruntime": ("onnxruntime", "onnx"),
    "openvino": ("openvino", "openvino"),
    "torch-export": ("torch", "torch"),
    "executorch": ("executorch", "executorch"),
    "aoti": ("torch", "torch"),
}
"""Runtime to the package that it needs, and archlint's extra with that package."""

MODULES = {
    "onnxruntime": "onnxruntime",
    "openvino": "openvino",
    "torch-export": "torch",
    "executorch": "executorch.runtime",
    "aoti": "torch._inductor",
}
"""Runtime to the module whose import takes most of its start."""

SUFFIXES = {".onnx": "onnxruntime", ".xml": "openvino", ".pt2": "torch-export",
              ".pte": "executorch"}  # fmt: skip
_COMPILED = "/data/aotinductor/"  # a folder of the .pt2 files of AOTInductor, not of torch.export

Request = Callable[["Sequence[ndarray[Any, Any]]"], "Arrays"]
"""Runs the model once; a request may keep state between its calls."""


def runtime_of(path: Path, runtime: str = "") -> str:
    """The runtime for a file: the stated one, else the one of its suffix and content.

    Raises:
        ArchlintError: unknown, or not installed.
    """
    name = runtime or SUFFIXES.get(path.suffix, "")
    if not runtime and name == "torch-export" and is_zipfile(path):
        with ZipFile(path) as archive:
            name = "aoti" if any(_COMPILED in n for n in archive.namelist()) else name
    if name not in PACKAGES:
        suffixes = ", ".join(SUFFIXES)
        raise ArchlintError(
            f"{path}: found no runtime for {path.suffix or 'a file without a suffix'}; expected a "
            f"file of {suffixes}, or a runtime: {', '.join(PACKAGES)}"
        )
    package, extra = PACKAGES[name]
    if find_spec(package) is None:
        install = f'pip install "torch-archlint[{extra}]"'
        raise ArchlintError(f"{path} cannot be run: {package} is not installed; {install}")
    return name


class Loaded:
    """An exported model that is loaded.

    ``inputs`` and ``outputs`` are the names of its inputs and outputs, if it has names; ``shapes``
    are the inputs' shapes, if it states them, with ``None`` for a size that is not fixed. ``make``
    makes a request without state of earlier calls: a session, or a compiled model.
    """

    def __init__(
        self,
        inputs: Sequence[str],
        make: Callable[[], Request],
        version: str,
        shapes: Sequence[Sequence[int | None]] = (),
        outputs: Sequence[str] = (),
    ) -> None:
        self.inputs, self.make, self.version = list(inputs), make, version
        self.shapes, self.outputs = [list(s) for s in shapes], list(outputs)


def load(runtime: str, path: str) -> Loaded:
    """Load an exported model. Raises what the runtime raises."""
    return {
        "onnxruntime": _onnxruntime,
        "openvino": _openvino,
        "torch-export": _torch_export,
        "executorch": _executorch,
        "aoti": _aoti,
    }[runtime](path)


def _onnxruntime(path: str) -> Loaded:
    import onnxruntime

    def session() -> Any:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = 1
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    first = session()
    inputs = first.get_inputs()
    kinds = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(double)": "float64",
             "tensor(int64)": "int64", "tensor(int32)": "int32", "tensor(bool)": "bool",
             "tensor(uint8)": "uint8", "tensor(int8)": "int8",
             "tensor(int16)": "int16"}  # fmt: skip
    for i in inputs:
        if i.type not in kinds:
            raise TypeError(
                f"the input {i.name} is a {i.type}; only arrays of numbers can be passed"
            )

    def make() -> Request:
        own = session()

        def run(arrays: Sequence[ndarray[Any, Any]]) -> Arrays:
            feeds = {i.name: a.astype(kinds.get(i.type, a.dtype), copy=False)
                     for i, a in zip(inputs, arrays, strict=True)}  # fmt: skip
            return list(own.run(None, feeds))

        return run

    shapes = [[d if isinstance(d, int) else None for d in i.shape or ()] for i in inputs]
    outputs = [o.name for o in first.get_outputs()]
    version = f"onnxruntime {onnxruntime.__version__}"
    return Loaded([i.name for i in inputs], make, version, shapes, outputs)


def _openvino(path: str) -> Loaded:
    weights = Path(path).with_suffix(".bin")
    if path.endswith(".xml") and not weights.is_file():
        raise FileNotFoundError(f"its weights {weights.name} are missing from its folder")
    import openvino

    core = openvino.Core()
    model = core.read_model(path)
    names, outputs = ([next(iter(sorted(p.get_names())), "") for p in ports]
                      for ports in (model.inputs, model.outputs))  # fmt: skip
    partial = [i.get_partial_shape() for i in model.inputs]
    shapes = [[d.get_length() if d.is_static else None for d in shape] for shape in partial
              if shape.rank.is_static]  # fmt: skip

    def make() -> Request:  # requests of one compiled model share what it caches of shapes
        compiled = core.compile_model(model, "CPU", {"INFERENCE_NUM_THREADS": 1})
        request = compiled.create_infer_request()

        def run(arrays: Sequence[ndarray[Any, Any]]) -> Arrays:
            request.infer(dict(enumerate(arrays)))
            return [request.get_output_tensor(i).data.copy() for i in range(len(compiled.outputs))]

        return run

    version = f"openvino {openvino.__version__.partition('-')[0]}"
    return Loaded(names, make, version, shapes, outputs)


def _torch_export(path: str) -> Loaded:
    import torch

    program = torch.export.load(path)
    module: Any = program.module()
    names = list(program.graph_signature.user_inputs)

    def run(arrays: Sequence[ndarray[Any, Any]]) -> Arrays:
        tensors = [torch.from_numpy(a) for a in arrays]
        if not program.example_inputs:
            return _arrays(module(*tensors))
        args, kwargs = _filled(program.example_inputs, iter(tensors))
        return _arrays(module(*args, **kwargs))

    return Loaded([str(n) for n in names], lambda: run, f"torch {torch.__version__}")


def _executorch(path: str) -> Loaded:
    from importlib.metadata import version

    import torch
    from executorch.runtime import Runtime

    program = Runtime.get().load_program(path)

    def make() -> Request:
        method = program.load_method("forward")

        def run(arrays: Sequence[ndarray[Any, Any]]) -> Arrays:
            return _arrays(method.execute([torch.from_numpy(a) for a in arrays]))

        return run

    return Loaded([], make, f"executorch {version('executorch')}")


def _aoti(path: str) -> Loaded:
    import torch
    from torch._inductor import aoti_load_package

    model: Any = aoti_load_package(path)

    def run(arrays: Sequence[ndarray[Any, Any]]) -> Arrays:
        return _arrays(model(*[torch.from_numpy(a) for a in arrays]))

    return Loaded([], lambda: run, f"AOTInductor of torch {torch.__version__}")


def _filled(value: Any, tensors: Iterator[Any]) -> Any:
    """A copy of nested arguments with other tensors, in order."""
    if isinstance(value, (list, tuple)):
        parts = [_filled(part, tensors) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    if isinstance(value, dict):
        return {key: _filled(part, tensors) for key, part in value.items()}
    return next(tensors) if hasattr(value, "detach") else value


def _arrays(output: Any) -> Arrays:
    """The tensors of nested lists and mappings, in order."""
    if isinstance(output, dict):
        output = list(output.values())
    if isinstance(output, (list, tuple)):
        return [a for part in output for a in _arrays(part)]
    return [output.detach().numpy().copy()] if hasattr(output, "detach") else []
