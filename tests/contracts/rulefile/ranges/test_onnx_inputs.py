"""Names of sizes in ``.onnx`` files, as exporters write them."""

import pytest

from archlint.contracts.rulefile.ranges.forms import read_profiles
from archlint.contracts.rulefile.ranges.range_contract import contract_of_profile

helper = pytest.importorskip("onnx", reason="needs onnx").helper


def contract(tmp_path, **inputs):
    values = [helper.make_tensor_value_info(name, 1, dims) for name, dims in inputs.items()]
    text = helper.make_model(helper.make_graph([], "g", values, [])).SerializeToString()
    (tmp_path / "net.onnx").write_bytes(text)
    (profile,) = read_profiles(tmp_path / "net.onnx")
    return contract_of_profile(profile)


@pytest.mark.parametrize(
    ("dims", "accepts", "shape"),
    [
        (["s0", 3, "32*s1"], "any s0 >= 1 and s1 >= 32 and s1 % 32 == 0", "s0 3 s1"),
        (["N", 3, "16*_h"], "any N >= 1 and h >= 16 and h % 16 == 0", "N 3 h"),
        (["n", "past"], "any n, past >= 1", "n past"),
        (["n", "seq-1"], "any n, seq_1 >= 1", "n seq_1"),
        (["a", "floor(T/2 - 1/2)"], "any a, floor_T_2_1_2 >= 1", "a floor_T_2_1_2"),
    ],
)
def test_names_of_sizes(dims, accepts, shape, tmp_path):
    made = contract(tmp_path, x=dims)
    assert (made.input["shape"], made.accepts) == (shape, accepts)


def test_sizes_that_depend_on_each_other(tmp_path):
    made = contract(
        tmp_path,
        cache=["n", "past"],
        mask=["n", "past + 1"],
        pairs=["n", "2*past"],
        less=["past-1"],
    )
    shapes = {name: tensor["shape"] for name, tensor in made.input.items()}
    assert shapes == {"cache": "n past", "mask": "n past+1", "pairs": "n 2*past", "less": "past-1"}
