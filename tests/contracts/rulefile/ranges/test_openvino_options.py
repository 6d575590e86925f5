"""Calls of OpenVINO's tools as people write them, and the ranges that they state."""

import pytest

from archlint.contracts.rulefile.ranges.forms import read_profiles
from archlint.contracts.rulefile.ranges.openvino_options import read
from archlint.errors import RuleFileError

IMAGE = {"images": [(1, 8), (3, 3), (32, 512), (1, None)]}
FIXED = {"images": [(1, 1), (3, 3), (64, 64), (64, 64)]}
PAIR = {"ids": [(1, 1), (9, 9)], "mask": [(1, 1), (9, 9)]}
LINES = [
    ('ovc net.onnx --input "images[1..8,3,32..512,-1]" --output_model ir', [IMAGE]),
    ("ovc net.onnx --input images[1..8,3,32..512,?]", [IMAGE]),
    ("ovc net.onnx --input='images[1..8, 3, 32..512, -1]{f32}'", [IMAGE]),
    ('ovc net.onnx --input "images{f16}[1..8,3,32..512,..]"', [IMAGE]),
    ('M=512\novc net.onnx --input "images[1..8,3,32..$M,-1]"', [IMAGE]),
    ("mo --input_model net.onnx --input images --input_shape [1,3,64,64]", [FIXED]),
    ("mo --input_model n.onnx \\\n  --input images \\\n  --input_shape=(1,3,64,64)", [FIXED]),
    ('mo.py --input_model n.onnx --input "images[1 3 64 64]"', [FIXED]),
    ('mo --input_model n.onnx --input ids,mask --input_shape "[1,9],[1,9]"', [PAIR]),
    ('mo --input_model n.onnx --input "ids[1,9],mask[1,9]"', [PAIR]),
    ('benchmark_app -m n.xml -d CPU -shape "images[1,3,64,64]" -api sync', [FIXED]),
    ("benchmark_app -m n.xml -data_shape [1,3,64,64]",
     [{"input_0": FIXED["images"]}]),
    ('subprocess.run(["ovc", "n.onnx", "--input", "images[1,3,64,64]"])', [FIXED]),
    ('for S in 64; do ovc n.onnx --input "images[1,3,$S,$S]"; done\n', [FIXED]),
    ('ovc a.onnx --input "ids[1,9],mask[1,9]" && ovc b.onnx --input images[1,3,64,64]',
     [PAIR, FIXED]),
    ("ovc net.onnx --output_model ir --input images", []),
    ('# ovc net.onnx --input "images[1,3]"', []),
    ("train.py --input data[1] --shape big", []),
]  # fmt: skip


def spans(profile):
    return {t.name: [(s.low, s.high) for s in t.spans] for t in profile.tensors}


@pytest.mark.parametrize(("line", "expected"), LINES)
def test_calls_of_the_tools(line, expected, tmp_path):
    assert [spans(p) for p in read(line + "\n", "convert.sh")] == expected
    if expected:
        (tmp_path / "convert.sh").write_text(line + "\n")
        for form in ("", "openvino"):
            assert [spans(p) for p in read_profiles(tmp_path / "convert.sh", form)] == expected


def test_the_line_of_a_mistake():
    with pytest.raises(RuleFileError) as caught:
        read('set -e\novc n.onnx \\\n  --input "images[1,3,$H,64]"\n', "convert.sh")
    (mistake,) = caught.value.mistakes
    assert "found the variable '$H'" in mistake.found
    assert mistake.where.line == 3
    with pytest.raises(RuleFileError, match=r"found the dimension 64\.\.32"):
        read("ovc n.onnx --input x[64..32]\n", "convert.sh")


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ('[("images", [1, 3, (32, 64), -1])]', {"images": [(1, 1), (3, 3), (32, 64), (1, None)]}),
        ('("x", [ov.Dimension(1, 4), 3])', {"x": [(1, 4), (3, 3)]}),
        ('{"a": [1, -1], "b": PartialShape("[?,7]")}',
         {"a": [(1, 1), (1, None)], "b": [(1, None), (7, 7)]}),
        ("[1, 3, -1, 64]", {"input_0": [(1, 1), (3, 3), (1, None), (64, 64)]}),
        ("[[1, 3], [2, -1]]", {"input_0": [(1, 1), (3, 3)], "input_1": [(2, 2), (1, None)]}),
    ],
)  # fmt: skip
def test_the_converter_in_python(stated, expected, tmp_path):
    (tmp_path / "convert.py").write_text(f"m = ov.convert_model(net, input={stated})\n")
    (profile,) = read_profiles(tmp_path / "convert.py")
    assert profile.form == "openvino"
    assert spans(profile) == expected
