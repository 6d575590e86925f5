"""The last line of ``archlint init``: the command that helps next."""

import pytest

from tests.support.init_projects import init_in_process, start_project


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Writes the files of a project and returns the models found in it."""
    return start_project(tmp_path, monkeypatch)


@pytest.fixture
def run(monkeypatch):
    return init_in_process(monkeypatch)


def test_a_package_that_the_models_need(project, run):
    net = "from torch import nn\nclass Net(nn.Module):\n    def forward(self, x): return x\n"
    project({"acme_needs/__init__.py": "", "acme_needs/net.py": f"import missing_one\n{net}"})
    result = run()
    assert result.output.endswith(
        "next: missing_one is not installed here; run archlint init in the environment in which "
        "your models run\n"
    )


def test_a_block_that_is_left_over_is_not_the_next_step(project, run):
    """pytorch-cifar's SENet has one; its arguments are not what its user wants to write next."""
    project({"acme_left.py": """
        from torch import nn
        class Used(nn.Module):
            def forward(self, x): return x
        class LeftOver(nn.Module):
            def __init__(self, planes):
                super().__init__()
            def forward(self, x): return x
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.body = nn.Sequential(nn.Conv2d(3, 4, 3), Used())
            def forward(self, x): return self.body(x)
    """})  # fmt: skip
    lines = run().output.splitlines()
    assert "1 skipped: needs arguments" in lines[-2]
    assert lines[-1] == (
        "next: change the contracts to what the models must accept, then archlint check"
    )


FAILING = """
    from torch import nn
    class Block(nn.Module):
        def __init__(self, planes):
            super().__init__()
        def forward(self, x): return x
    class Act(nn.Module):
        def forward(self, x): return x
    class Net(nn.Module):
        def __init__(self, file="net.yaml"):
            super().__init__()
            self.body = nn.Sequential(Block(len(open(file).read())))
        def forward(self, x): return self.body(x)
"""


def test_the_main_model_that_fails_is_the_next_step(project, run):
    """YOLOv5's detector needs a file; with an activation alone nobody is done."""
    project({"acme_failing.py": FAILING})
    lines = run().output.splitlines()
    assert "pass kwargs: {file: ...} in a rule file" in "\n".join(lines)
    assert "1 contract; 1 model without a contract" in lines[-2]
    assert lines[-1] == (
        "next: contracts/models.archlint.yaml says why Net has no contract; "
        "archlint check checks the others"
    )


def test_a_block_of_the_main_model_is_not_the_next_step(project, run):
    """Depth Anything's: it uses other models, and the model with a contract uses more."""
    project({"acme_main.py": FAILING.replace('="net.yaml"', "=__file__") + """
    class Pair(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.act = Act()
        def forward(self, x): return self.act(x)
    class Whole(Net):
        def __init__(self):
            super().__init__()
            self.act = Act()
    """})  # fmt: skip
    lines = run().output.splitlines()
    assert "1 skipped: needs arguments" in lines[-2]
    assert lines[-1].startswith("next: change the contracts")


def test_models_that_download_as_they_are_built(project, run):
    """detr's backbone does: the next command is the one that lets it."""
    project({"acme_online.py": """
        from torch import nn
        from archlint.runtime.offline import ALLOWED, OfflineError
        class Net(nn.Module):
            def __init__(self, width=8):
                super().__init__()
                raise OfflineError(f"archlint init does not use the network; {ALLOWED}")
            def forward(self, x): return x
        def small(pretrained=True):
            return Net(4)
        class Other(nn.Module):
            def __init__(self, width):
                super().__init__()
            def forward(self, x): return x
    """})  # fmt: skip
    lines = run().output.splitlines()
    why = "could not be built: archlint init does not use the network; --online allows it"
    made = """acme_online.py:small --kwargs '{"pretrained": false}'"""
    assert lines[0] == f"[1/1] {made}: {why} (acme_online.py:7)"
    assert lines[-1] == "next: archlint init --online lets models download while they are built"
