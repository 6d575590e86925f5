"""Files of deployment tools that do not declare what their form requires, and what is said then."""

import pytest

from archlint.contracts.rulefile.ranges.forms import read_profiles
from archlint.errors import RuleFileError

MISTAKES = {
    "none.sh": ("echo\n", "found no ranges", 1),
    "none.py": ("x = 1\n", "found no ranges", 1),
    "syntax.py": ("x = (\n", "not valid Python", 1),
    "name.pbtxt": ("max_batch_size: 8\n", "found no input", 1),
    "dims.pbtxt": ("max_batch_size: 8\ninput [ {\n name: 'x'\n dims: [ 0, 3 ] } ]\n",
                   "found the size 0 of x", 4),
    "open.pbtxt": ("input [ {\n name: 'x'\n dims: [ 3\n", "found the end", 3),
    "order.json": ('{"x": {"min": [4],\n "max": [2]}}', "found the sizes min 4, max 2", 1),
    "key.json": ('{"x": {"min": [4],\n "mx": [2]}}', "found the key 'mx'", 2),
    "rank.json": ('{"x": {"min": [4], "max": [2, 3]}}', "found max of x", 1),
    "text.json": ('{"x": {"min": "1x3",\n "max": [2, 3]}}', "found '1x3' as min shape of x", 1),
    "float.json": ('{"x": {"min": [1.5],\n "max": [2]}}', "found the sizes min 1.5, max 2", 1),
    "named.json": ('{"model": "net",\n "sizes": [1, 2]}', "found no shapes of model", 1),
    "turns.py": ("for s in range(2000):\n    p.set_shape('x', (1, s), (1, s), (1, s))\n",
                 "found the min shape (1, ?)", 2),
    "empty.json": ("\n", "found an empty file", 1),
    "again.pbtxt": ("input { name: 'x' dims: 3 }\ninput { name: 'x' dims: 3 }\n",
                    "found the tensor x again", 2),
    "range.py": ("\nexport(m, (), dynamic_shapes={'x': {1: Dim('h', min=8, max=2)}})\n",
                 "found the range 8 to 2 for dimension 1 of x", 2),
    "openvino.py": ("\nmodel.reshape('[1..64, 3, 64..32]')\n", "found the dimension 64..32", 2),
    "coreml.py": ("\nct.TensorType(name='x', shape=(1, ct.RangeDim(64, 32)))\n",
                  "found the size ct.RangeDim(64, 32) of x", 2),
    "yaml.json": ('{"x": ]}', "not valid YAML", 1),
    "shape.py": ("p.set_shape('x', min=sizes, opt=sizes, max=sizes)\n", "found the min shape", 1),
    "assumed.py": ("\nShapesSpec({'x': TensorSpec([h])}, assumptions=[ShapeVar('h') > 3])\n",
                   "found the assumption ShapeVar('h') > 3", 2),
    "bound.py": ("\nexport(m, (), dynamic_shapes={'x': {0: Dim('n', max=int(args.n))}})\n",
                 "found Dim('n', max=int(args.n)) for dimension 0 of x", 2),
    "hint.py": ("\nexport(m, (), dynamic_shapes={'x': {0: Dim.DYNAMIC(max=LIMIT)}})\n",
                "found Dim.DYNAMIC(max=LIMIT) for dimension 0 of x", 2),
    "mark.py": ("\ntorch._dynamo.mark_dynamic(x, 0, max=limit())\n", "found torch._dynamo.mark", 2),
    "collection.py": ("s = ShapesCollection()\ns[y] = {0: Dim('n')}\n"
                      "export(m, (x,), dynamic_shapes=s)\n", "found a ShapesCollection of", 3),
    "ensemble.pbtxt": ("platform: 'ensemble'\ninput { name: 'x' dims: -1 }\n"
                       "ensemble_scheduling { step [ { model_name: 'net' } ] }\n",
                       "found an ensemble", 3),
    "string.pbtxt": ("input {\n name: 'x'\n data_type: TYPE_STRING\n dims: 1 }\n",
                     "found TYPE_STRING for x", 3),
    "dim.py": ("\nexport(m, (), dynamic_shapes={'x': {0: size()}})\n", "for dimension 0 of x", 2),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_have_a_file_and_line(name, tmp_path):
    text, found, line = MISTAKES[name]
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(RuleFileError) as caught:
        read_profiles(file)
    mistake = caught.value.mistakes[0]
    assert found in mistake.found
    assert (mistake.where.file, mistake.where.line) == (str(file), line)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import openvino as ov\ncore = ov.Core()\n", "PartialShape"),
        ("import coremltools as ct\n", "ct.RangeDim"),
        ("from polygraphy.backend.trt import Profile\n", "Profile().add"),
        ("import tensorrt as trt\n", "profile.set_shape"),
        ("import torch_tensorrt\n", "torch_tensorrt.Input"),
        ("import torch\ntorch.onnx.export(m, a, 'm.onnx')\n", "dynamic_axes"),
        ("import torch\n", "dynamic_shapes= with Dim"),
    ],
)
def test_a_file_without_ranges_has_an_example_of_its_tool(text, expected, tmp_path):
    (tmp_path / "build.py").write_text(text)
    with pytest.raises(RuleFileError) as caught:
        read_profiles(tmp_path / "build.py")
    assert f"for example {expected}" in caught.value.mistakes[0].expected.replace(
        'ct.TensorType(name="images", shape=(1, 3, ', ""
    )
