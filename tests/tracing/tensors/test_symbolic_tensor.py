"""What Python sees of a symbolic tensor, as of a real one."""

from __future__ import annotations

import runpy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import archlint
from archlint.ops.registry import TensorSpec
from archlint.symbolic import symbol
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor, symbolic_tensor

KINDS = [
    getattr(home, f"{name}Tensor")
    for home in (torch, torch.cuda)
    for name in ("Float", "Double", "Half", "BFloat16", "Byte", "Char", "Short", "Int", "Long")
]
DTYPES = [torch.float32, torch.float64, torch.bfloat16, torch.uint8, torch.int32, torch.int64]


@pytest.mark.parametrize("dtype", [*DTYPES, torch.bool, torch.complex64])
def test_the_types_that_it_is_an_instance_of(dtype):
    real = torch.zeros(2, dtype=dtype)
    ours = symbolic_tensor(TensorSpec((symbol("H"),), dtype))
    for kind in (*KINDS, torch.Tensor, nn.Parameter):
        assert isinstance(ours, kind) == isinstance(real, kind)


class InPlace(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        y = x[:, :, :1].expand(-1, -1, x.shape[3], -1) if x.shape[3] > 4 else x.clone()
        z = self.function(y, inplace=True)
        return x if z is y else x[0]


@pytest.mark.parametrize("function", [F.relu, F.silu, F.hardtanh, F.leaky_relu, F.hardswish])
def test_a_function_writes_where_it_is_to(function):
    found = archlint.infer(InPlace(function), "N 3 H W")
    assert found.exact
    assert found.text == "W <= 4"
    assert found.output(N=1, H=2, W=3) == (1, 3, 2, 3)


class _Refusing(nn.Module):
    def __init__(self, refuses: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.refuses = refuses

    def forward(self, x: Tensor) -> Tensor:
        return self.refuses(x)


@pytest.mark.parametrize("refuses", [lambda x: x.no_such_name, lambda x: x + "a", lambda x: x(3)])
def test_python_names_it_as_it_names_a_tensor(refuses: Callable[..., Tensor]) -> None:
    with pytest.raises((AttributeError, TypeError)) as real:
        refuses(torch.zeros(1, 1))
    verdict = archlint.check(_Refusing(refuses), input="N T", accepts="any size", samples=0)
    assert str(real.value) in str(verdict)


OWN = sorted(set(vars(SymbolicTensor)) | set(SymbolicTensor.__annotations__))
FACTS = [name for name in OWN if not hasattr(torch.Tensor, name)]
GIVEN = {
    "set": "y.{0} = 3",
    "set of a view": "y.view(-1).{0} = 3",
    "set and deleted": "y.{0} = 3; del y.{0}",
    "not set": "pass",
}
SOURCE = """
from torch import nn
class Marked(nn.Module):
    def forward(self, x):
        y = x * 2 + x[:, :, :1]
        {give}
        y.add_(1)
        return y[:, : y.{name} if hasattr(y, "{name}") else 1]
"""


@pytest.mark.parametrize("give", GIVEN)
@pytest.mark.parametrize("name", FACTS)
def test_an_attribute_with_the_name_of_one_of_ours(name, give, tmp_path):
    assert len(FACTS) >= 10
    file = tmp_path / "marked.py"
    file.write_text(SOURCE.format(give=GIVEN[give].format(name), name=name))
    model = runpy.run_path(str(file))["Marked"]()
    real = model(torch.zeros(1, 3, 5, 5)).shape[1]
    right, wrong = f"N {real} H W", f"N {4 - real} H W"
    asked = {"input": "N 3 H W", "accepts": "any H, W >= 1", "samples": 0}
    assert archlint.check(model, **asked, output=right).word != "broken"
    assert archlint.check(model, **asked, output=wrong).word != "proved"
    if give == "not set":
        assert archlint.check(model, **asked, output=right).word == "proved"
