"""Every attribute and method of a tensor that needs no argument, compared with a real tensor."""

import copy
import warnings
from functools import partial

import pytest
import torch
from torch import nn

from archlint.tracing.tensors.attributes import ATTRIBUTES
from archlint.tracing.tensors.questions import OF_TENSOR, UNKNOWN, function_asked
from tests.support.asked_tensors import hashable
from tests.support.compared_tensors import differences

SIZES = [(2, 8, 9), (1, 1, 5), (3, 1, 1), (2, 0, 4), (1, 4, 1)]

KINDS = {
    "plain": lambda x: x,
    "transposed": lambda x: x.transpose(2, 3),
    "permuted": lambda x: x.permute(0, 2, 3, 1),
    "sliced": lambda x: x[:, 1:],
    "every other": lambda x: x[..., ::2],
    "expanded": lambda x: x[:, :1].expand(-1, 5, -1, -1),
    "flat": lambda x: x.flatten(1),
    "result under grad": lambda x: x.detach().clone().requires_grad_() * 2,
    "leaf under grad": lambda x: x.detach().clone().requires_grad_(),
    "detached": lambda x: (x.detach().clone().requires_grad_() * 2).detach(),
    "written": lambda x: (x * 1).add_(1),
    "channels last": lambda x: x.to(memory_format=torch.channels_last),
    "double": lambda x: x.double(),
    "integers": lambda x: x.argmax(1),
    "booleans": lambda x: x > 0,
    "scalar": lambda x: x.sum(),
    "new": lambda x: torch.zeros(x.shape[2], x.shape[3]),
}
LEFT_OUT = {
    "_fix_weakref", "_python_dispatch", "_make_subclass", "_make_wrapper_subclass", "_make_dtensor",
    "__doc__", "__setattr__", "__torch_dispatch__", "__weakref__",
    "bernoulli", "cholesky_inverse", "inverse",  # values may be refused
}  # fmt: skip

NAMES = sorted(
    name
    for name in dir(torch.Tensor)
    if name not in LEFT_OUT
    and not (name.endswith("_") and not name.endswith("__"))  # they write
    and not isinstance(getattr(torch.Tensor, name), type)
)


ANSWERED = ATTRIBUTES.keys() | OF_TENSOR.keys() | UNKNOWN.keys()
ATTRIBUTE_NAMES = [
    name
    for name, function in ((name, function_asked(torch.Tensor, name)) for name in NAMES)
    if hashable(function) and function in ANSWERED
]


def asked(make, name, x):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value = getattr(make(x), name)
        return value() if callable(value) and not name.startswith("__") else value


@pytest.mark.parametrize("kind", KINDS)
def test_an_attribute_is_that_of_a_real_tensor(kind):
    ask = partial(asked, KINDS[kind])
    found = {
        (sizes, name): difference
        for sizes in SIZES
        for name, difference in differences(ask, ATTRIBUTE_NAMES, sizes).items()
    }
    assert found == {}


@pytest.mark.parametrize("kind", ["plain", "transposed", "result under grad", "integers", "scalar"])
def test_a_method_without_arguments_gives_what_a_real_one_gives(kind):
    names = [name for name in NAMES if name not in ATTRIBUTE_NAMES]
    assert len(names) > 350
    assert differences(partial(asked, KINDS[kind]), names, (2, 4, 5)) == {}


EXPRESSIONS = """
len(x) / len(list(x)) / [r.shape for r in x] / x in [x] / {x: 7}[x] / hash(x) == hash(x)
hash(x) == hash(x[:]) / x.shape == x.size() / tuple(x.shape) / x.shape[-1] / x.shape.numel()
torch.is_tensor(x) / torch.typename(x) / torch.is_floating_point(x) / torch.is_complex(x)
torch.numel(x) / torch.is_storage(x) / torch.is_conj(x) / torch.is_neg(x) / torch.get_device(x)
x.__class__ / x.__class__ is torch.Tensor / x.__class__.__module__
x.__module__ / type(x).__module__
isinstance(x, torch.Tensor)
isinstance(x, nn.Parameter) / isinstance(x, (int, float)) / x.type() / x.type(torch.double).dtype
x.type("torch.LongTensor").dtype / x.type(torch.BoolTensor).dtype / x.dtype is torch.float32
copy.deepcopy(x) / copy.deepcopy([x, x])[0] / x.stride(0) / x.stride(-1) / x.size(-1) / x.size(9)
x.is_contiguous() / x.is_contiguous(memory_format=torch.channels_last)
x.transpose(1, 2).is_contiguous() / x.transpose(-1, -2).is_contiguous() / x[:, :1].is_contiguous()
x.permute(0, 2, 3, 1).is_contiguous() / x[0].is_contiguous() / x[..., 0].is_contiguous()
x.to(memory_format=torch.channels_last).is_contiguous() / x.expand(2, *x.shape).is_contiguous()
x.transpose(1, 3).is_contiguous(memory_format=torch.channels_last) / x.T.is_contiguous()
x.requires_grad / (x * 2).requires_grad / x.grad is None / x.is_leaf / (x + 1).is_leaf / x.grad_fn
x._version / x._base / x.data_ptr() == x.data_ptr() / x[1:].storage_offset() / x.storage_offset()
hasattr(x, "__cuda_array_interface__") / hasattr(x, "numpy") / hasattr(x, "nothing") / x.names
x.is_cpu / x.is_cuda / x.device.type / str(x.device) / x.device.index / x.layout / x.itemsize
x.nbytes / x.element_size() * x.nelement() / x.ndim / x.dim() / x.get_device() / callable(x)
x.new_zeros(2).dtype / x.data.shape / x.detach().requires_grad / x.to("meta").is_meta
x.shape[2] // 2 / x.mH.shape / bool(x.shape[0]) / torch.result_type(x, 1) / x.is_shared()
torch.can_cast(x.dtype, torch.double) / torch.promote_types(x.dtype, torch.half)
"""


def test_an_expression_gives_what_it_gives_for_a_real_tensor():
    asked = [e.strip() for line in EXPRESSIONS.splitlines() for e in line.split(" / ") if e.strip()]
    names = {"torch": torch, "nn": nn, "copy": copy}

    def ask(code, x):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return eval(code, names, {"x": x})

    found = {
        (sizes, code): difference
        for sizes in SIZES
        for code, difference in differences(ask, asked, sizes).items()
    }
    assert found == {}
