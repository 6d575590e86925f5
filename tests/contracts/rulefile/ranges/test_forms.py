"""Each form: what is written is read with the same ranges, and files as people write them."""

from importlib.util import find_spec

import pytest

from archlint.cli import export_ranges
from archlint.contracts.rulefile.ranges.declared import DeclaredTensor, Profile, Span
from archlint.contracts.rulefile.ranges.forms import (
    FORMS,
    ONE_PROFILE,
    WITHOUT_INFINITY,
    WITHOUT_STEPS,
    WRITERS,
    read_profiles,
)
from archlint.errors import ArchlintError, Location, RuleFileError

WHERE = Location("x", 1)
SUFFIX = {"trtexec": ".sh", "triton": ".pbtxt", "json": ".json"}
N, C = Span(1, 16, 8, 1, "n"), Span.fixed(3)
H, W = Span(32, 1024, 224, 1, "h"), Span(48, 640, 320, 1, "w")
STEP = Span(32, 1024, 224, 32, "h")
LONG = Span(5, None, 9, 1, "t")


def tensor(name, *spans, dtype=""):
    return DeclaredTensor(name, spans, WHERE, dtype)


PROFILES = {
    "image": [Profile("", (tensor("images", N, C, H, W),), WHERE)],
    "fixed": [
        Profile("", (tensor("images", Span.fixed(2), C, Span.fixed(8), Span.fixed(9)),), WHERE)
    ],
    "two tensors": [
        Profile("", (tensor("x", N, C, H, W), tensor("mask", N, H, W)), WHERE),
    ],
    "two profiles": [
        Profile("", (tensor("x", N, C, H, W),), WHERE),
        Profile("", (tensor("x", N, C, Span(2048, 4096, 2048), W),), WHERE),
    ],
    "derived": [
        Profile("", (tensor("x", N, H, Span(65, 2049, 449, 2, "h", 2, 1)),), WHERE),
    ],
    "derived only": [Profile("", (tensor("x", N, Span(6, 60, 30, 6, "h", 6, 0)),), WHERE)],
    "names of the code": [
        Profile("", (tensor("model", Span(1, 16, 8, 1, "in"), Span(1, 9, 4, 1, "args"),
                            Span(2, 9, 4, 1, "H"), Span(3, 9, 4, 1, "h")),), WHERE),
    ],
    "steps": [Profile("", (tensor("x", N, C, STEP, W),), WHERE)],
    "no end": [Profile("", (tensor("x", N, LONG, Span.fixed(8)),), WHERE)],
    "tokens": [Profile("", (tensor("ids", N, Span(1, 512, 128, 1, "t"), dtype="int64"),), WHERE)],
}  # fmt: skip

WITHOUT_BOUNDS = {"triton"}  # -1 has none


def cases():
    for form in FORMS:
        for name in PROFILES:
            unsayable = (
                (name == "two profiles" and form in ONE_PROFILE)
                or (name == "no end" and form in WITHOUT_INFINITY)
                or (
                    name in ("steps", "derived", "derived only")
                    and form in WITHOUT_STEPS | {"coreml"}
                )
            )
            if not unsayable:
                yield pytest.param(form, PROFILES[name], id=f"{form}-{name}")


def ranges(profiles):
    return [[[(s.low, s.high, s.step) for s in t.spans] for t in p.tensors] for p in profiles]


@pytest.mark.parametrize(("form", "profiles"), list(cases()))
def test_what_is_written_is_read(form, profiles, tmp_path):
    file = tmp_path / f"deploy{SUFFIX.get(form, '.py')}"
    text = WRITERS[form](profiles)
    file.write_text(text)
    if file.suffix == ".py":
        compile(text, "deploy.py", "exec")
    read = read_profiles(file)
    expected = ranges(profiles)
    if form in WITHOUT_BOUNDS:
        expected = [
            [[tensor[0], *((low, high, 1) if low == high else (1, None, 1)
                           for low, high, _ in tensor[1:])] for tensor in tensors]
            for tensors in expected
        ]  # fmt: skip
        if expected[0][0][0][0] == expected[0][0][0][1]:
            expected[0][0][0] = (2, 2, 1)
    assert ranges(read) == expected
    assert ranges(read_profiles(file, form)) == expected
    assert {p.form for p in read_profiles(file, form)} == {form}
    lines = text.splitlines()
    for profile in read:
        assert profile.where.file == str(file)
        assert lines[profile.where.line - 1].strip()
    names = [t.name for p in profiles for t in p.tensors]
    if form not in ("torch-export", "torch-tensorrt", "compile") or len(names) > 1:
        assert {t.name for p in read for t in p.tensors} <= {*names, *(f"{n}_1" for n in names),
                                                             *(f"{n}_0" for n in names),
                                                             "input_0"}  # fmt: skip


@pytest.mark.parametrize(
    ("span", "example"),
    [
        (Span(1, 9), 2),
        (Span(1, 1), 1),
        (Span(1, 9, 5), 5),
        (Span(64, 1024, 64, 64), 128),
        (Span(64, 64, 64, 64), 64),
        (Span(3, 50, 3, 8), 19),  # 3 + 8 * 2: the variable is 2
        (Span(2, 18, 2, 2, "T", 2, 0), 4),  # 2 * T, beside a T of 2
        (Span(5, 21, 5, 2, "T", 2, 3), 7),
        (Span(4, 12, 4, 1, "T", 1, 3), 5),
    ],
)
def test_the_variable_of_an_example_is_2_if_possible(span, example):
    assert span.example == example


def test_the_command_line_offers_every_form():
    assert export_ranges.FORMS == FORMS


def test_coreml_writes_a_grid_as_shapes(tmp_path):
    step = Span(32, 96, 64, 32)
    profile = Profile("", (tensor("x", Span.fixed(1), C, step, step),), WHERE)
    file = tmp_path / "convert.py"
    file.write_text(WRITERS["coreml"]([profile]))
    (read,) = read_profiles(file)
    assert read.tensors[0].shapes == tuple((1, 3, h, w) for h in (32, 64, 96) for w in (32, 64, 96))
    assert [s.opt for s in read.tensors[0].spans] == [1, 3, 64, 64]


def test_coreml_writes_at_most_128_shapes(tmp_path):
    step = Span(32, 1024, 224, 32)
    profile = Profile("", (tensor("x", Span.fixed(1), C, step, step),), WHERE)
    file = tmp_path / "convert.py"
    file.write_text(WRITERS["coreml"]([profile]))
    (read,) = read_profiles(file)
    assert 64 < len(read.tensors[0].shapes) <= 128
    assert (1, 3, 224, 224) in read.tensors[0].shapes


# As people write them: the file's name, its text, and the ranges of its first profile

ANY = (1, None, 1)
FILES = {
    "config.pbtxt": (
        'name: "detector"\nplatform: "onnxruntime_onnx"\nmax_batch_size: 16\ninput [\n  {\n'
        '    name: "images"\n    data_type: TYPE_FP32\n    format: FORMAT_NCHW\n'
        '    dims: [ 3, -1, -1 ]\n  }\n]\noutput [ { name: "boxes" data_type: TYPE_FP32 '
        "dims: [ -1, 6 ] } ]\ninstance_group [ { kind: KIND_GPU count: 1 } ]\n"
        "dynamic_batching { preferred_batch_size: [ 4, 8 ] }\n",
        [[(1, 16, 1), (3, 3, 1), ANY, ANY]],
    ),
    "batchless.pbtxt": (
        "max_batch_size: 0\ninput {\n  name: 'ids'\n  data_type: TYPE_INT64\n  dims: 1 dims: -1\n}"
        "\n"
        "input: < name: 'mask', data_type: TYPE_INT64, dims: [1, -1] >\n",
        [[(1, 1, 1), ANY], [(1, 1, 1), ANY]],
    ),
    "reshaped.pbtxt": (
        "max_batch_size: 8 # a comment\ninput [{ name: 'x' data_type: TYPE_FP32 dims: [1] "
        "reshape: { shape: [ ] } }]\n",
        [[(1, 8, 1)]],
    ),
    "ranges.json": (
        '{\n\t"images": {"min": [1, 3, 32, 32], "opt": [1, 3, 64, 64], "max": [4, 3, 96, 96]}}',
        [[(1, 4, 1), (3, 3, 1), (32, 96, 1), (32, 96, 1)]],
    ),
    "ranges.yaml": (
        "profiles:\n- images: {min: [1, 3, 32], opt: [1, 3, 64], max: [4, 3, 96]}  # small\n"
        "- images: {min: [1, 3, 96], max: [4, 3, 128]}\n",
        [[(1, 4, 1), (3, 3, 1), (32, 96, 1)]],
    ),
    "ci.yml": (
        "env:\n  MAX: 4\nsteps:\n- run: |\n    trtexec --minShapes=x:1x8 \\\n"
        "      --maxShapes=x:${MAX}x16\n",
        [[(1, 4, 1), (8, 16, 1)]],
    ),
    "by_kind.json": (
        '{"min": {"x": [1, 8]}, "opt": {"x": [2, 16]}, "max": {"x": [4, 32]}}',
        [[(1, 4, 1), (8, 32, 1)]],
    ),
    "trt.py": (
        "import tensorrt as trt\nSIZES = (32, 224, 512)\ndef build(builder, network, config):\n"
        "    profile = builder.create_optimization_profile()\n"
        "    low, best, high = SIZES\n"
        "    shape = network.get_input(0).shape\n"
        "    profile.set_shape('images', (1, 3, low, low), (4, 3, best, best), "
        "(8, 3, high, high))\n"
        "    config.add_optimization_profile(profile)\n",
        [[(1, 8, 1), (3, 3, 1), (32, 512, 1), (32, 512, 1)]],
    ),
    "poly.py": (
        "from polygraphy.backend.trt import CreateConfig, Profile\n"
        "config = CreateConfig(profiles=[Profile().add('ids', min=(1, 8), opt=(2, 64), "
        "max=(4, 512)).add('mask', min=(1, 8), opt=(2, 64), max=(4, 512))])\n",
        [[(1, 4, 1), (8, 512, 1)], [(1, 4, 1), (8, 512, 1)]],
    ),
    "ttrt.py": (
        "import torch, torch_tensorrt\ntrt = torch_tensorrt.compile(model, inputs=[\n"
        "    torch_tensorrt.Input(min_shape=[1, 3, 64, 64], opt_shape=[2, 3, 96, 96],\n"
        "        max_shape=[8, 3, 128, 128], dtype=torch.half),\n"
        "    torch_tensorrt.Input((1, 10)),\n])\n",
        [[(1, 8, 1), (3, 3, 1), (64, 128, 1), (64, 128, 1)], [(1, 1, 1), (10, 10, 1)]],
    ),
    "ov.py": (
        "import openvino as ov\nmodel = ov.Core().read_model('n.xml')\n"
        "model.reshape({'images': [ov.Dimension(1, 64), 3, (32, 1024), -1]})\n"
        "print(out.reshape(2, 3), out.reshape((4, 5)))\n",
        [[(1, 64, 1), (3, 3, 1), (32, 1024, 1), ANY]],
    ),
    "ov_text.py": (
        "shape = PartialShape('[1..64, 3, ..512, ?]')\nmodel.reshape(shape)\n",
        [[(1, 64, 1), (3, 3, 1), (1, 512, 1), ANY]],
    ),
    "ct.py": (
        "import coremltools as ct\n"
        "side = ct.RangeDim(lower_bound=32, upper_bound=512, default=224)\n"
        "mlmodel = ct.convert(traced, inputs=[ct.TensorType(name='x', "
        "shape=ct.Shape(shape=(1, 3, side, ct.RangeDim(32, 1024))))])\n",
        [[(1, 1, 1), (3, 3, 1), (32, 512, 1), (32, 1024, 1)]],
    ),
    "listed.py": (
        "inputs = [ct.TensorType(name='a', shape=ct.EnumeratedShapes([[1, 4], [2, 8]])),\n"
        "    ct.TensorType(name='b', shape=ct.EnumeratedShapes([[3], [5]]))]\n",
        [[(1, 2, 1), (4, 8, 1)], [(3, 5, 1)]],
    ),
    "export.py": (
        "import torch\nfrom torch.export import Dim, export\n"
        "batch = Dim('batch', min=2, max=32)\n"
        "_h = Dim('_h', max=40)\n"
        "ep = export(model, (torch.randn(4, 3, 64, 64),), dynamic_shapes="
        "{'x': {0: batch, 2: 8 * _h, -1: Dim.AUTO}})\n",
        [[(2, 32, 1), (3, 3, 1), (8, 320, 8), ANY]],
    ),
    "export_tuple.py": (
        "x = torch.zeros(2, 16, dtype=torch.int64)\nt = torch.export.Dim('t', min=2, max=512)\n"
        "dynamic_shapes = ((None, t), {1: t})\n"
        "ep = torch.export.export(model, (x, x), dynamic_shapes=dynamic_shapes)\n",
        [[(2, 2, 1), (2, 512, 1)], [(2, 2, 1), (2, 512, 1)]],
    ),
    "axes.py": (
        "torch.onnx.export(model, torch.randn(1, 3, 224, 224), 'n.onnx', input_names=['images'],\n"
        "    output_names=['out'], dynamic_axes={'images': {0: 'N', 2: 'H'}, 'out': {0: 'N'}})\n",
        [[ANY, (3, 3, 1), ANY, (224, 224, 1)]],
    ),
    "assumed.py": (
        "h, w = ShapeVar('h', max=100), ShapeVar('w', min=5)\n"
        "spec = ShapesSpec({'x': TensorSpec([2, h, w, 2 * h])}, assumptions=[h % 32 == 0, "
        "w % 4 == 1])\n",
        [[(2, 2, 1), (32, 96, 32), (5, None, 4), (64, 192, 64)]],
    ),
    "spec.py": (
        "n, h = ShapeVar('n', max=8), ShapeVar('h', min=4, max=32)\n"
        "spec = ShapesSpec(params=ParamsSpec({'x': TensorSpec([n, 3, 8 * h, 64])}))\n",
        [[(1, 8, 1), (3, 3, 1), (32, 256, 8), (64, 64, 1)]],
    ),
    "mark.py": (
        "x = torch.randn(2, 3, 64, 64)\ntorch._dynamo.mark_dynamic(x, [2, 3], min=32, max=128)\n"
        "torch._dynamo.mark_dynamic(x, 0)\nmodel = torch.compile(model)\n",
        [[ANY, (3, 3, 1), (32, 128, 1), (32, 128, 1)]],
    ),
    "static.py": (
        "x, mask = torch.randn(2, 3), torch.ones(2, 7)\ntorch._dynamo.mark_dynamic(x, 1, max=9)\n"
        "torch._dynamo.mark_static(x, 0)\ntorch._dynamo.mark_static(mask)\n",
        [[(2, 2, 1), (1, 9, 1)], [(2, 2, 1), (7, 7, 1)]],
    ),
    "collection.py": (
        "x, t = torch.randn(2, 3, 64), torch.zeros(2, 9)\nshapes = ShapesCollection()\n"
        "shapes[t] = (None, Dim('t', max=99))\nshapes[x] = {2: 4 * Dim('h', max=16)}\n"
        "ep = export(model, (x,), {'t': t}, dynamic_shapes=shapes)\n",
        [[(2, 2, 1), (3, 3, 1), (4, 64, 4)], [(2, 2, 1), (1, 99, 1)]],
    ),
    "items.py": (
        "axes = {}\naxes['x'] = {1: 'H'}\naxes['y'] = {0: 'N'}\n"
        "torch.onnx.export(m, torch.randn(1, 8), 'm.onnx', input_names=['x'], dynamic_axes=axes)\n",
        [[(1, 1, 1), ANY]],
    ),
    "starred.py": (
        "SIZE = (64, int(96.0))\np.set_shape('x', (1, *SIZE), opt=(4, *SIZE), "
        "max=(8,) + tuple(2 * s for s in SIZE))\n",
        [[(1, 8, 1), (64, 128, 1), (96, 192, 1)]],
    ),
    "image.py": (
        "ct.convert(m, inputs=[ct.ImageType('image', (1, 3, ct.RangeDim(32, 64), 9), scale=2)])\n",
        [[(1, 1, 1), (3, 3, 1), (32, 64, 1), (9, 9, 1)]],
    ),
    "grid.py": (
        "s = ct.EnumeratedShapes([[1, s, t] for s, t in zip((1,), (2,))] + [[1, s, s] for s in "
        "range(8, 25, 8)])\nct.TensorType(name='x', shape=ct.EnumeratedShapes([[1, s] for s in "
        "range(8, 25, 8)]))\n",
        [[(1, 1, 1), (8, 24, 1)]],
    ),
    "engine.json": (
        '{"model": "net", "fp16": true, "inputs": {\n'
        '  "x": {"min_shape": [1, 8], "opt_shape": [1, 9], "max_shape": [4, 16]}}}',
        [[(1, 4, 1), (8, 16, 1)]],
    ),
    "listed.json": (
        '{"inputs": [{"name": "x", "dtype": "FP16", "minShapes": [1, 8], "maxShapes": [4, 16]},'
        '\n{"name": "y", "min": [1], "max": [2]}], "precision": "fp16"}',
        [[(1, 4, 1), (8, 16, 1)], [(1, 2, 1)]],
    ),
    "commands.py": (
        "import subprocess\nargs = ['trtexec', '--minShapes=x:1x8', '--optShapes=x:2x9', "
        "'--maxShapes=x:4x16']\n",
        [[(1, 4, 1), (8, 16, 1)]],
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_files_as_people_write_them(name, tmp_path):
    text, expected = FILES[name]
    (tmp_path / name).write_text(text)
    profile, *_ = read_profiles(tmp_path / name)
    assert ranges([profile]) == [expected]


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(RuleFileError, match="does not exist"):
        read_profiles(tmp_path / "absent.sh")
    with pytest.raises(RuleFileError, match="directory"):
        read_profiles(tmp_path)
    (tmp_path / "bytes.sh").write_bytes(b"trtexec\n\xff")
    with pytest.raises(RuleFileError, match=":2:1: found the byte 0xff"):
        read_profiles(tmp_path / "bytes.sh")
    with pytest.raises(ArchlintError, match="did you mean 'trtexec'"):
        read_profiles(tmp_path / "bytes.sh", "trtexc")


@pytest.mark.skipif(find_spec("onnx") is None, reason="needs onnx")
def test_inputs_of_an_onnx_file(tmp_path):
    import onnx
    from onnx import TensorProto, helper

    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["N", 3, "H", "W"])
    ids = helper.make_tensor_value_info("ids", TensorProto.INT64, ["N", None])
    graph = helper.make_graph([], "g", [images, ids], [])
    onnx.save(helper.make_model(graph), str(tmp_path / "net.onnx"))
    (profile,) = read_profiles(tmp_path / "net.onnx")
    assert ranges([profile]) == [[[ANY, (3, 3, 1), ANY, ANY], [ANY, ANY]]]
    assert [s.name for s in profile.tensors[0].spans] == ["N", "", "H", "W"]
    assert [t.dtype for t in profile.tensors] == ["float32", "int64"]
    images.type.tensor_type.shape.dim[2].dim_value = -1  # as older exporters write it
    text = helper.make_tensor_value_info("text", TensorProto.STRING, ["N"])
    older = helper.make_graph([], "g", [images], [])
    onnx.save(helper.make_model(older), str(tmp_path / "net.onnx"))
    assert ranges(read_profiles(tmp_path / "net.onnx"))[0][0][2] == ANY
    graph.input.append(text)
    onnx.save(helper.make_model(graph), str(tmp_path / "net.onnx"))
    with pytest.raises(RuleFileError, match="found the input text of STRING"):
        read_profiles(tmp_path / "net.onnx")


@pytest.mark.skipif(find_spec("onnx") is not None, reason="needs a Python without onnx")
def test_without_onnx_the_message_says_what_to_install(tmp_path):
    (tmp_path / "net.onnx").write_bytes(b"")
    with pytest.raises(ArchlintError, match=r'pip install "torch-archlint\[onnx\]"'):
        read_profiles(tmp_path / "net.onnx")
