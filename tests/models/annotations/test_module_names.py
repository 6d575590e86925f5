"""Annotations are evaluated without jaxtyping, from the names of their module."""

import pytest

from archlint.models.annotations.module_names import ModuleNames, evaluate
from tests.support import annotated_models


@pytest.fixture
def names():
    return ModuleNames.of(annotated_models.__name__)


def test_names_for_type_checkers_only(names):
    array = evaluate("Float[Tensor, 'b 3 h w']", names)
    assert (array.dim_str, array.dtypes, array.array_type.__name__) == (
        "b 3 h w", ("float32",), "Tensor",
    )  # fmt: skip
    assert evaluate("Byte[Tensor, 'b']", names).dtypes == ("uint8",)
    assert evaluate("jt.BFloat16[Tensor, 'b']", names).dtypes == ("bfloat16",)
    assert evaluate("jt.Shaped[Tensor, 'b']", names).dtypes is None


def test_an_alias_is_extended_by_more_sizes(names):
    assert evaluate("Batch", names).dim_str == "b 3 h w"
    assert evaluate("jt.Shaped[Image, 'n b']", names).dtypes == ("float32",)
    assert evaluate("Float[Image, 'b'] | None", names).__args__[0].dim_str == "b 3 h w"


def test_modules_that_need_jaxtyping(tmp_path, monkeypatch):
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").touch()
    (tmp_path / "pack" / "shapes.py").write_text(
        "from jaxtyping_is_missing import more\nfrom jaxtyping import Float\n"
        "from torch import Tensor\nimport torch.nn as nn\nRow: type = Float[Tensor, 'n']\n"
        "Loop = Loop\n"
    )
    (tmp_path / "pack" / "net.py").write_text(
        "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    from .shapes import Row\n"
        "    from . import shapes\n    import pack.missing\n"
        "try:\n    import jaxtyping_is_missing\nexcept ImportError:\n    Value = 3\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    names = ModuleNames.of("pack.net")
    assert names["Row"].dim_str == "n"
    assert names["Value"] == 3
    shapes = ModuleNames.of("pack.shapes")
    assert shapes["nn"].Linear
    with pytest.raises(NameError):
        shapes["Loop"]
    with pytest.raises(ImportError):
        ModuleNames.of("pack.missing")
