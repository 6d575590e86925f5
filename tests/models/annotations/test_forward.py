# ruff: noqa: F722, F821
"""The contracts that annotations of ``forward`` state."""

import pytest
import torch
from torch import nn

import archlint
from archlint.contracts.contract import TensorInput, TensorOutput
from archlint.errors import TargetError
from archlint.models.annotations.forward import read_annotations
from tests.support import annotated_models as models


def texts(stated):
    if isinstance(stated, (TensorInput, TensorOutput)):
        return stated.text
    if isinstance(stated, dict):
        return {key: texts(part) for key, part in stated.items()}
    return stated and list(map(texts, stated))


@pytest.mark.parametrize(
    ("model", "input", "output"),
    [
        (models.RoundsUp(), "b 3 h w", "b 8 (h+1)//2 (w+1)//2"),
        (models.RoundsDown(), "b 3 h w", "b 8 h//2 w//2"),
        (models.Aliases(), "b 3 h w", ["b 8 _ _", "..."]),
        (models.Decorated(), "b 3 h w", "... _"),
        (models.Several(), {"x": "b n d", "mask": "b n", "y": "b n d"}, "b"),
        (models.KeywordOnly(), {"x": "b n"}, "b n"),
        (models.Tokens(), "batch step2", "batch step2 4"),
        (models.Scalar(), "h w", ""),
        (models.ReturnsFields(), "b 3 h w", {"features": "b 8 _ _"}),
        (models.ReturnsNames(), "b 3 h w", {"first": "b 3 h w", "second": "b 8 _ _"}),
        (models.TakesKeys(), {"left": "b 3 h w", "right": "b 3 h w"}, "b 3 h w"),
        (models.make(), "b 3 h w", "b 4 (h+1)//2 (w+1)//2"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_what_is_stated(model, input, output):
    stated = read_annotations(model)
    assert (texts(stated.input), texts(stated.output)) == (input, output)


def test_every_annotation_that_a_contract_cannot_state_is_reported():
    with pytest.raises(TargetError) as error:
        read_annotations(models.NotStatable())
    head, *lines = str(error.value).splitlines()
    assert head.startswith("tests/support/annotated_models.py:")
    assert head.endswith("archlint init starts one")
    expected = {
        "x": "'*batch' is any number of sizes",
        "n": "int does not state the shape of one tensor",
        "z": "'#b' is either 1 or another size",
        "images": "does not state the shape of one tensor",
        "q": "'h/2' is not a size of a contract",
        "a": "Float[ndarray, \"b\"] is not for tensors of PyTorch",
        "either": "is one of several types",
        "k": "rule files have no dtype key",
        "s": "'b,c' has a comma",
        "m": "cannot be read: name 'Missing' is not defined",
        "d": "'{self.depth}' is not an attribute of the model that is a whole number",
        "the output": "'free' is a size of outputs only, and occurs 2 times",
    }  # fmt: skip
    assert [line.partition(":")[0].strip() for line in lines] == list(expected)
    for line, reason in zip(lines, expected.values(), strict=True):
        assert reason in line.replace("'b'", '"b"')


def test_annotations_of_other_kinds():
    with pytest.raises(TargetError, match=r"Unannotated\.forward has no jaxtyping annotations"):
        read_annotations(models.Unannotated())
    with pytest.raises(TargetError, match=r"Linear\.forward has no jaxtyping annotations"):
        read_annotations(nn.Linear(2, 2))


class Array:
    """What jaxtyping makes of ``Float[Tensor, "b n"]``, with the attributes that it documents."""

    array_type, dim_str, dtypes = torch.Tensor, "b n", ("float16", "float32")


def test_classes_that_jaxtyping_made():
    class Evaluated(nn.Module):
        def forward(self, x: Array) -> tuple[Array, Array]:
            return x, x

    stated = read_annotations(Evaluated())
    assert (texts(stated.input), texts(stated.output)) == ("b n", ["b n", "b n"])
    assert stated.where.file.endswith("test_forward.py")


def test_jaxtyping_itself():
    jaxtyping = pytest.importorskip("jaxtyping")

    class Real(nn.Module):
        def forward(
            self, x: jaxtyping.Int[torch.Tensor, "b n"]
        ) -> jaxtyping.Float[torch.Tensor, "b"]:
            return x.float().sum(1)

    assert archlint.check(Real(), samples=1).word == "proved"


def test_check_in_python():
    assert archlint.check(models.RoundsUp(), samples=1).word == "proved"
    broken = archlint.check(models.RoundsDown(), samples=1)
    assert (broken.word, broken.counterexample) == ("broken", {"b": 1, "h": 1, "w": 1})
    assert (broken.file, broken.line > 1) == ("tests/support/annotated_models.py", True)
    missing = archlint.check(models.Unannotated())
    assert (missing.word, "no jaxtyping annotations" in missing.message) == ("error", True)


def test_the_guessed_input_is_the_annotated_one():
    assert list(archlint.infer(models.Several()).input) == ["x", "mask", "y"]
