"""Targets in Python's standard library: neither imported nor called, however they are spelled."""

import pytest

from archlint.contracts.contract import ModelRef
from archlint.errors import TargetError
from archlint.models.targets import resolve


@pytest.mark.parametrize(
    "target",
    [
        "os:system", "posix:system", "subprocess:run", "subprocess:Popen", "builtins:eval",
        "builtins:exec", "builtins:open", "builtins:__import__", "shutil:rmtree", "io:open",
        "runpy:run_path", "pathlib:os.remove", "importlib:import_module", "ctypes:CDLL",
        "code:interact", "pickle:loads", "os.path:exists", "sys:exit", "timeit:timeit",
        "antigravity:webbrowser",
        "torch:os.system", "torch.hub:urlopen", "torch.serialization:os.remove",
        "torch.hub:shutil.rmtree", "torch:builtins.exec", "own:run", "own.py:run", "own:cut.rmtree",
        "own:box.append",
    ],
)  # fmt: skip
def test_is_refused(target, tmp_path):
    (tmp_path / "own.py").write_text("from subprocess import run\nimport shutil as cut\nbox = []\n")
    ran = tmp_path / "ran"
    for ref in (
        ModelRef("m", target, args=(f"touch {ran}",)),
        ModelRef("m", "torch.nn:Identity", args=({"of": target, "args": [f"touch {ran}"]},)),
    ):
        with pytest.raises(TargetError, match="Python's standard library"):
            resolve(ref, tmp_path)
    assert not ran.exists()


def test_a_class_of_data_is_an_argument_but_no_model(tmp_path):
    argument = {"of": "argparse:Namespace", "width": 64}
    with resolve(ModelRef("m", "torch.nn:Identity", args=(argument,)), tmp_path) as source:
        source.for_running()
    with pytest.raises(TargetError, match="Python's standard library"):
        resolve(ModelRef("m", "argparse:Namespace"), tmp_path)


@pytest.mark.parametrize("target", ["code.model:make", "own:part", "own:cached", "own.py:Net"])
def test_is_not_refused(target, tmp_path, monkeypatch):
    text = (
        "from functools import lru_cache, partial\nfrom torch import nn\n"
        "class Net(nn.Identity): pass\nmake = Net\npart = partial(Net)\ncached = lru_cache(Net)\n"
    )
    (tmp_path / "own.py").write_text(text)
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "__init__.py").write_text("")
    (tmp_path / "code" / "model.py").write_text(text)
    for name in ("code", "own"):
        monkeypatch.delitem(__import__("sys").modules, name, raising=False)
    with resolve(ModelRef("m", target), tmp_path) as source:
        assert source.for_running() is not None
