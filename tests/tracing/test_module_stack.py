"""How a layer is named in messages."""

import pytest
from torch import nn

from archlint.tracing import module_stack
from archlint.tracing.module_stack import layer_name
from archlint.tracing.tracer import trace
from tests.support.traced_models import BOX, IMAGE, SIZES


@pytest.mark.parametrize(
    ("module", "text"),
    [
        (nn.Linear(3, 4), "Linear(3, 4)"),
        (nn.Linear(3, 4, bias=False), "Linear(3, 4, bias=False)"),
        (nn.MaxPool2d(2), "MaxPool2d(kernel_size=2, stride=2)"),
        (nn.MaxPool2d(3, 2, 1), "MaxPool2d(kernel_size=3, stride=2, padding=1)"),
        (nn.Conv2d(3, 8, 3), "Conv2d(3, 8, kernel_size=(3, 3))"),
        (nn.Conv2d(3, 8, (3, 5), stride=2), "Conv2d(3, 8, kernel_size=(3, 5), stride=(2, 2))"),
        (nn.BatchNorm2d(8), "BatchNorm2d(8)"),
        (nn.Flatten(), "Flatten()"),
        (nn.Sequential(), "Sequential"),
    ],
    ids=str,
)
def test_a_layer_name_leaves_out_defaults(module, text):
    assert layer_name(nn.Sequential(module), "0") == text


def test_a_missing_layer_has_no_name():
    assert layer_name(nn.Sequential(), "3.conv") == ""


class TwoLines(nn.Conv2d):
    def extra_repr(self):
        return "\n".join("ab")


def test_a_layer_of_several_lines_is_named_by_its_type():
    assert layer_name(TwoLines(1, 1, 1), "") == "TwoLines"


def shared():
    """A layer in three places, modules that hold each other, and a name without a module."""
    layer = nn.Sequential(nn.ReLU())
    model = nn.Sequential(nn.Sequential(nn.ReLU(), layer), layer, nn.Sequential(layer))
    model.add_module("none", None)
    model[0].add_module("around", model)
    model[2].add_module("beside", model[0])
    return model


@pytest.mark.parametrize("make", [shared, nn.ReLU, lambda: nn.TransformerEncoderLayer(4, 2)])
def test_modules_have_the_names_that_torch_gives_them(make):
    model = make()
    names = [(name, id(module)) for name, module in model.named_modules()]
    assert [(name, key) for key, name in module_stack._names(model).items()] == names


LIBRARY = """
from torch import nn

class Layer(nn.Module):
    def forward(self, x):
        return x.relu()

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = Layer()

    def forward(self, x):
        x = x.sin()
        return self.layer(x)
"""
FILE = "/lib/site-packages/nets/parts.py"
exec(compile(LIBRARY, FILE, "exec"), NETS := {"__name__": "nets.parts"})


class Uses(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = NETS["Layer"]()

    def forward(self, x):
        return self.layer(x)


def test_a_call_of_a_librarys_layer_is_at_the_line_of_the_code_that_has_it():
    model = nn.Sequential(NETS["Layer"](), Uses(), NETS["Net"](), Uses(), NETS["Net"]())
    calls = trace(model, IMAGE, SIZES, BOX).calls
    own = f"{__file__}:{Uses.forward.__code__.co_firstlineno + 1}"
    net = [f"{FILE}:14", f"{FILE}:6"]
    assert [call.source for call in calls] == [f"{FILE}:6", own, *net, own, *net]
