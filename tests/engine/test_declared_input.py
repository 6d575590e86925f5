"""The input that a file states, as the model takes it; of profiles: see test_profiles.py."""

from importlib.util import find_spec

import pytest

from archlint.contracts.contract import Artifact, Budget, Contract, ModelRef
from archlint.contracts.rulefile.phrase_parser import parse_clause
from archlint.engine.artifact.comparison import artifact_verdict
from archlint.engine.declared_input import input_of_file
from archlint.models.targets import resolve

MODEL = """
from torch import nn

class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(9, 4)

    def forward(self, ids, mask):
        return self.words(ids).mean(2) * mask
"""


@pytest.mark.skipif(find_spec("onnx") is None, reason="needs onnx")
@pytest.mark.parametrize("names", [["ids", "mask"], ["input.1", "input.2"]])
def test_the_input_that_a_file_states(tmp_path, monkeypatch, names):
    """Where no input can be guessed: the names, sizes and dtypes of the ONNX file."""
    from onnx import TensorProto, helper, save

    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.py").write_text(MODEL)
    kinds = TensorProto.INT64, TensorProto.FLOAT
    inputs = [helper.make_tensor_value_info(n, k, ["b", "T"])
              for n, k in zip(names, kinds, strict=True)]  # fmt: skip
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["b", "T"])
    node = helper.make_node("Identity", [names[1]], ["y"])
    save(helper.make_model(helper.make_graph([node], "g", inputs, [output])), "net.onnx")
    ref = ModelRef("m", "model.py:Tokens")
    with resolve(ref, tmp_path) as source:
        input = input_of_file(tmp_path / "net.onnx", source.for_running("eval"))
    stated = {name: (t.dtype, t.text) for name, t in input.items()}
    assert stated == {"ids": ("int64", "b T"), "mask": ("float32", "b T")}
    contract = Contract("a", [], parse_clause("any b <= 2 and T <= 9", "accepts"),
                        budget=Budget(64, 60.0), artifact=Artifact("net.onnx"))  # fmt: skip
    verdict = artifact_verdict(contract, ref, root=tmp_path)
    assert "--input" not in verdict.message, "it was guessed, and is not taken from the file"
