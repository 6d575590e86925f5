"""The dependency audit with the real check: weights on file, and what torch tells of a machine."""

import warnings

import pytest

from tests.support.audited_probes import TORCH
from tests.support.audited_project import checked, rules
from tests.support.cached_project import Project

TORCH_NOT_KEPT = {
    "threads": "torch.tensor(3.0 + 0 * torch.get_num_threads())",
    "seed": "torch.tensor(3.0 + 0 * torch.seed())",
    "generator": "torch.tensor(3.0 + 0 * torch.Generator().seed())",
    "pointer": "torch.tensor(3.0 + 0 * torch.ones(1).data_ptr())",
    "instructions": "torch.tensor(3.0 + 0 * torch.cpu._is_avx512_supported())",
    "capability": "torch.tensor(3.0 + 0 * len(torch.backends.cpu.get_cpu_capability()))",
    "timer": "torch.tensor(3.0 + 0 * __import__('timeit').default_timer())",
    "numpy_seed": "torch.tensor(3.0 + 0 * np.random.default_rng().random())",
}


PLUGIN = """
from pathlib import Path
NUMBER = float((Path(__file__).parent / "weights" / "plugin.txt").read_text())
"""
TORCH_MODEL = """
import numpy as np, sys, torch
from pathlib import Path
from torch import nn
from torch.jit import load as load_script
here = Path(__file__).parent / "weights"
PLUGIN = sys.modules["acme_plugin"]
def state(values):
    layer = nn.Linear(1, 1)
    layer.load_state_dict(values)
    return layer.weight
def make_{name}():
    return nn.Conv2d(3, 4, int({code}.max()))
"""


def save_weights(folder, number):
    """The files of weights that ``TORCH`` reads; all hold this number."""
    import numpy as np
    import torch
    from safetensors.torch import save_file

    folder.mkdir(exist_ok=True)
    k = torch.full((1,), number)
    torch.save(k, folder / "t.pt")
    torch.save({"weight": k[None], "bias": k}, folder / "state.pt")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer versions of torch deprecate it
        torch.jit.trace(lambda x: x + number, torch.zeros(1)).save(str(folder / "t.jit"))
    program = torch.export.export(torch.nn.Linear(1, 1), (torch.zeros(1),))
    program.state_dict["weight"].data[:] = program.state_dict["bias"].data[:] = number
    torch.export.save(program, folder / "t.pt2")
    (folder / "plugin.txt").write_text(str(number))
    k.numpy().tofile(folder / "t.raw")
    np.save(folder / "t.npy", k.numpy())
    save_file({"k": k}, folder / "t.st")


@pytest.fixture(scope="module")
def torch_runs(tmp_path_factory):
    """As ``runs``, with the real check: the kernel sizes come from files of weights."""
    project = Project(tmp_path_factory.mktemp("weights"))
    save_weights(project.root / "weights", 3.0)
    probes = TORCH | TORCH_NOT_KEPT
    functions = [TORCH_MODEL.format(name=name, code=code) for name, code in probes.items()]
    functions.append("def draw(): raise ValueError(f'drew {torch.randint(10**9, ())}')")
    project.write("probes.py", "\n".join(functions))
    models = [f"{name}: probes:make_{name}" for name in probes]
    project.write("archlint.yaml", rules([*models, "draw: probes:draw"]))
    settings = "[tool.archlint]\nplugins = ['acme_plugin']\n"
    project.write("pyproject.toml", f"[project]\nname = 'acme'\n{settings}")
    project.write("acme_plugin.py", PLUGIN)
    first = checked(project, module="archlint")
    save_weights(project.root / "weights", 9.0)
    return first, checked(project, module="archlint")


@pytest.mark.slow
@pytest.mark.parametrize("name", TORCH)
def test_changed_weights_are_seen(torch_runs, name):
    first, second = (run[name] for run in torch_runs)
    assert first[1].startswith("proved"), first
    assert not second[0]
    assert second[1].startswith("broken"), second


@pytest.mark.slow
@pytest.mark.parametrize("name", TORCH_NOT_KEPT)
def test_what_torch_tells_of_the_machine_is_not_kept(torch_runs, name):
    first, second = (run[name] for run in torch_runs)
    assert first[1].startswith("proved"), first
    assert not second[0]


@pytest.mark.slow
def test_torch_draws_the_same_numbers_in_each_run(torch_runs):
    import torch

    number = torch.randint(10**9, (), generator=torch.Generator().manual_seed(0))
    assert f"drew {number} " in torch_runs[0]["draw"][1]
