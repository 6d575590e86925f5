"""The command ``archlint infer``: its input, its formats, and what it cannot do."""

import json

import pytest
from click.testing import CliRunner

from archlint.cli import app as cli
from archlint.contracts.rulefile import load as rulefile
from tests.support import in_process


@pytest.fixture
def infer(tmp_path, monkeypatch):
    """``archlint infer`` in an empty project with the models of ``nets.py``."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "nets.py").write_text(
        "import os\nfrom torch import nn\n"
        "def net():\n    return nn.Sequential(nn.Conv2d(3, 4, 5), nn.MaxPool2d(2))\n"
        "class Two(nn.Module):\n"
        "    def __init__(self, width):\n"
        "        super().__init__()\n"
        "        self.conv, self.fc = nn.Conv2d(3, width, 3), nn.Linear(4, width)\n"
        "    def forward(self, image, attributes):\n"
        "        return self.conv(image).mean((2, 3)) + self.fc(attributes)\n"
        "def exits():\n    print('last words')\n    os._exit(3)\n"
    )
    return lambda *args: CliRunner().invoke(cli.cli, ["infer", *args])


def test_the_command(infer, monkeypatch):
    monkeypatch.setattr("archlint.runner.pool.run", in_process.run)
    result = infer("nets.py:net", "--mode", "eval", "--mode", "train")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(
        "nets.py:net   N 3 H W   eval and train\n"
        "  accepts    H, W >= 6   (and no other size)\n"
        "  smallest   N=1 H=6 W=6\n"
        "  output     N 4 H//2-2 W//2-2\n"
        "  proved     1 path, "
    )


@pytest.mark.parametrize("image", ["N 3 H W", "[N, 3, H, W]", "{shape: [N, 3, H, W]}"])
def test_the_command_takes_yaml(infer, monkeypatch, image):
    monkeypatch.setattr("archlint.runner.pool.run", in_process.run)
    shapes = f"{{image: {image}, attributes: N 4}}"
    result = infer("nets.py:Two", "--kwargs", "{width: 8}", "--input", shapes)
    assert "{image: N 3 H W, attributes: N 4}   eval\n" in result.output
    assert "accepts    H, W >= 3   (and no other size)\n" in result.output
    assert "output     N 8\n" in result.output


def test_a_missing_input_is_shown_with_the_models_own_arguments(infer, monkeypatch):
    monkeypatch.setattr("archlint.runner.pool.run", in_process.run)
    result = infer("nets.py:Two", "--kwargs", "{width: 8}")
    assert result.exit_code == 2
    assert "--input '{image: N 3 H W, attributes: N K}'" in result.output


def test_the_command_writes_json_and_yaml(infer, monkeypatch):
    monkeypatch.setattr("archlint.runner.pool.run", in_process.run)
    (model,) = json.loads(infer("nets.py:net", "--format", "json").stdout)["models"]
    assert (model["exact"], model["accepts"]) == (True, "H, W >= 6")
    assert model["refusals"][0]["at"] == "1"
    (contract,) = rulefile.loads(infer("nets.py:net", "--format", "yaml").stdout).contracts
    assert (contract.id, contract.clause.text) == ("net", "only H, W >= 6")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["nets.py:exits"], "exited with code 3"),
        (["nets.py:nett"], "did you mean 'net'?"),
        (["nets.py:net", "--input", "N 3 H ="], "^"),
        (["nets.py:net", "--input", "{"], "--input: not valid YAML"),
        (["nets.py:net", "--kwargs", "5"], "found '5'; expected a mapping of argument names"),
        (["nets.py:net", "--kwargs", "{1: 2}"], "expected a mapping of argument names"),
        (["nets.py:net", "--kwargs", "{a: [}"], "--kwargs: not valid YAML at column 6"),
    ],
)
def test_what_the_command_cannot_do(infer, args, said, monkeypatch):
    if args != ["nets.py:exits"]:
        monkeypatch.setattr("archlint.runner.pool.run", in_process.run)
    result = infer(*args)
    assert result.exit_code == 2
    assert said in result.stderr
