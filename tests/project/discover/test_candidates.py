"""Definitions that are models, and those that are parts of models."""

import pytest

from tests.support.init_projects import NET, ready, start_project, targets


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Writes the files of a project and returns the models found in it."""
    return start_project(tmp_path, monkeypatch)


# Which definitions

KINDS = """
    import abc
    import torch
    import torch.nn as tnn
    import torchvision
    import pytorch_lightning as pl
    from timm import create_model
    from torch.nn import *
    from torch import nn
    from .base import Base, NoForward
    from .base import Base as Renamed
    from .other import resnet

    class Direct(nn.Module):
        def forward(self, x): ...

    class Spelled(torch.nn.Module):
        def forward(self, x): ...

    class Starred(Module):
        def forward(self, x): ...

    class Inherits(Base): ...

    class Alias(Renamed): ...

    class Row(tnn.Sequential): ...

    class Lightning(pl.LightningModule):
        def forward(self, x): ...

    class Library(torchvision.models.resnet.ResNet): ...

    class NoWay(NoForward): ...

    class HalfLinear(nn.Linear):  # its arguments are those of PyTorch
        def forward(self, x): ...

    class Normed(tnn.LayerNorm): ...

    class Plain:
        def forward(self, x): ...

    class _Private(nn.Module):
        def forward(self, x): ...

    class Abstract(nn.Module):
        @abc.abstractmethod
        def encode(self, x): ...
        def forward(self, x): ...

    class Given(nn.Module):
        def __init__(self, width, depth=2, *, rate): ...
        def forward(self, x): ...

    class GivenToo(Given): ...

    class Optional(Given):
        def __init__(self, width=8): ...

    def sequence():
        return nn.Sequential()

    def annotated() -> nn.Module:
        return MODELS["annotated"]

    def quoted() -> "Direct":
        return make()

    def assigned(classes=10):
        model = create_model("resnet18", num_classes=classes)
        model.eval()
        return model

    def chained():
        return resnet()

    def given(width):
        return nn.Linear(width, width)

    def function():
        return nn.functional.relu

    def number():
        return len([nn.Linear(2, 2)])

    def stream():
        yield nn.Linear(2, 2)

    def trained():
        model = Direct()
        model(torch.zeros(1)).backward()
        return model

    def endless():
        return endless()

    if __name__ == "__main__":
        def main():
            return nn.Linear(2, 2)
"""


def test_which_definitions_are_models(project):
    found = project(
        {
            "acme/__init__.py": "",
            "acme/kinds.py": KINDS,
            "acme/base.py": """
                from torch import nn

                class Base(nn.Module):
                    def forward(self, x): ...

                class NoForward(nn.Module): ...
            """,
            "acme/other.py": """
                import torchvision.models as models

                def resnet():
                    return models.resnet18(weights=None)
            """,
        }
    )
    names = {m.definition.name for m in found.buildable}
    assert names == {
        "Direct", "Spelled", "Starred", "Inherits", "Alias", "Row", "Lightning", "Library",
        "Optional", "Base", "resnet", "sequence", "annotated", "quoted", "assigned", "chained",
    }  # fmt: skip
    needing = {m.definition.name: m.needs for m in found.needing}
    assert needing == {
        "Given": ("width", "rate"),
        "GivenToo": ("width", "rate"),
        "given": ("width",),
    }


def test_classes_that_derive_from_each_other_end(project):
    text = """
        from torch import nn

        class A(B): ...

        class B(A, nn.Module):
            def forward(self, x):
                return A(), B()
    """
    assert {m.definition.name for m in project({"odd.py": text}).buildable} <= {"A", "B"}


def test_two_models_of_one_name_are_told_apart(project):
    found = project({"a.py": NET, "b.py": NET, "c.py": NET.replace("Net", "Other")})
    assert [m.name for m in found.buildable] == ["a.Net", "b.Net", "Other"]


# Parts


def test_parts_of_models_are_left_out(project):
    found = project(
        {
            "acme/__init__.py": "from .layers import Stem\n",
            "acme/layers.py": """
                from torch import nn

                class Stem(nn.Module):
                    def forward(self, x): ...

                class Squeeze(nn.Module):
                    def forward(self, x): ...

                class Block(nn.Module):
                    def __init__(self, width, squeeze=Squeeze):
                        self.squeeze = squeeze()
                    def forward(self, x): ...

                class Alone(nn.Module):
                    def forward(self, x): ...
            """,
            "acme/models.py": """
                import acme.layers as L
                from acme import Stem
                from torch import nn

                class Photo(nn.Module):
                    def __init__(self):
                        self.stem = Stem()
                        self.blocks = nn.ModuleList(map(L.Block, [8, 16]))
                        self.alone: "L.Alone" = None
                    def forward(self, x):
                        assert not isinstance(x, L.Alone)

                def photo() -> nn.Module:
                    return Photo()
            """,
        }
    )
    assert ready(found) == ["acme.layers:Alone", "acme.models:photo"]
    assert found.needing == []  # Block is a part


def test_parts_are_asked_where_the_whole_failed(project):
    found = project(
        {
            "models.py": """
                from torch import nn

                class Net(nn.Module):
                    def forward(self, x): ...

                class Trainer(nn.Module):
                    def __init__(self):
                        self.net = Net()
                    def forward(self, batch, step): ...
            """
        }
    )
    net, trainer = found.buildable
    assert targets([net, trainer]) == ["models.py:Net", "models.py:Trainer"]
    assert found.ready((), ()) == [trainer]
    assert found.ready([trainer], []) == []
    assert found.ready([trainer], [trainer]) == [net]


def test_models_that_use_each_other_are_no_parts(project):
    text = """
        from torch import nn

        class A(nn.Module):
            def forward(self, x): return B()

        class B(nn.Module):
            def forward(self, x): return A()
    """
    assert ready(project({"models.py": text})) == ["models.py:A", "models.py:B"]


def test_a_part_of_what_needs_arguments_is_asked_itself(project):
    text = """
        from torch import nn

        class Head(nn.Module):
            def forward(self, x): ...

        class Net(nn.Module):
            def __init__(self, width):
                self.head = Head()
            def forward(self, x): ...
    """
    found = project({"models.py": text})
    assert (ready(found), targets(found.needing)) == (["models.py:Head"], ["models.py:Net"])


def test_what_needs_arguments_is_listed_with_the_main_model_first(project):
    """A function that needs arguments does not hide the class that it makes."""
    text = """
        from torch import nn

        class Head(nn.Module):
            def __init__(self, width): ...
            def forward(self, x): ...

        class Block(nn.Module):
            def __init__(self, width): ...
            def forward(self, x): ...

        class Net(nn.Module):
            def __init__(self, width):
                self.parts = [Block(width), Block(width)]
            def forward(self, x): ...

        def load(name):
            return Net(len(name))
    """
    found = project({"models.py": text})
    assert targets(found.needing) == ["models.py:Net", "models.py:Head", "models.py:load"]
