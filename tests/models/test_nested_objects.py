"""Objects among the arguments of a model: ``{of: TARGET, ...}``."""

import textwrap

import pytest

from archlint.contracts.contract import ModelRef
from archlint.errors import TargetError
from archlint.models.targets import resolve

SOURCE = """
    from dataclasses import dataclass, field
    from torch import nn

    @dataclass
    class Inner:
        width: int = 1

    @dataclass
    class Config:
        inner: Inner
        names: list = field(default_factory=list)

    not_callable = 3

    class Net(nn.Module):
        def __init__(self, config, **more):
            super().__init__()
            self.config, self.more = config, more
"""


@pytest.fixture
def built(tmp_path):
    (tmp_path / "net.py").write_text(textwrap.dedent(SOURCE))

    def build(**kwargs):
        with resolve(ModelRef("net", "net.py:Net", kwargs=kwargs), tmp_path) as source:
            return source.for_running()

    return build


def test_objects_are_made_at_any_depth(built):
    config = {"of": "net.py:Config", "inner": {"of": "net.py:Inner", "width": 5}, "names": ["a"]}
    model = built(config=config, args={"of": "argparse:Namespace", "lr": 0.5}, plain={"of": "x"})
    assert (model.config.inner.width, model.config.names) == (5, ["a"])
    assert model.more["args"].lr == 0.5
    assert model.more["plain"] == {"of": "x"}  # not a target


@pytest.mark.parametrize(
    ("of", "reason"),
    [
        ("net.py:Confg", "net.py has no 'Confg'; did you mean Config"),
        ("net.py:not_callable", "of: net.py:not_callable is an int; expected a class or function"),
        ("net.py:Config", "could not be built: TypeError: Config.__init__() missing"),
    ],
)
def test_what_cannot_be_made_is_reported(built, of, reason):
    with pytest.raises(TargetError, match=r".*") as raised:
        built(config={"of": of})
    assert reason in str(raised.value)
