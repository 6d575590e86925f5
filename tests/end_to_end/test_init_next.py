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
    assert lines[-1] == ("next: change it to what the models must accept, then archlint check")


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
