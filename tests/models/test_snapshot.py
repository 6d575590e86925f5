"""A model and the world around it come back as they were."""

import builtins
import copy
import gc
import os
import random
import sys
import tempfile
import warnings
from functools import partial

import pytest
import torch
from torch import nn

from archlint.models.snapshot import keep
from archlint.runtime.process_state import preserve_process_state


class Helper:
    def __init__(self):
        self.calls = 0
        self.log = {"seen": [1]}


class Norm(nn.BatchNorm1d):
    """A layer of the user's own, whose values a copy to trace has too."""


class Restless(nn.Module):
    """Changes everything about itself that a forward can."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)
        self.bn = Norm(3)
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self.plain = torch.zeros(4)
        self.window = 7
        self.sizes = [1, 2]
        self.cache = {"a": [1]}
        self.names = {"x"}
        self.pair = ([1], 2)
        self.nothing = []
        self.unregistered = [nn.Linear(2, 2)]
        self.helper = Helper()
        self.gone = "here"

    def forward(self, x):
        self.window = 3
        self.sizes.append(3)
        self.cache["a"].append(2)
        self.cache["b"] = x
        self.names.add("y")
        self.pair[0].append(9)
        self.nothing.append(x)
        self.helper.calls += 1
        self.helper.log["seen"].append(2)
        self.unregistered[0].eval()
        self.new = x
        self.extra = nn.Linear(1, 1)
        self.late = nn.Parameter(torch.ones(1))
        del self.gone
        self.steps += 1
        self.plain.fill_(5)
        self.bn.running_mean = torch.full((3,), 9.0)
        self.fc.weight.data = torch.ones(3, 3)
        self.fc.bias.requires_grad_(False)
        self.fc.register_forward_hook(lambda *a: None)
        self.eval()
        return x


def state(model):
    found = {}
    for name, module in model.named_modules():
        for key, value in module.__dict__.items():
            if key not in ("_modules", "_parameters", "_buffers", "helper", "unregistered"):
                found[name, key] = copy.deepcopy(value)
    return found


def test_everything_a_forward_changes_is_undone():
    model = Restless()
    order = list(model.__dict__)
    before, values = state(model), copy.deepcopy(model.state_dict())
    weight, mean = model.fc.weight, model.bn.running_mean
    where = weight.data_ptr()
    with keep(model):
        model(torch.ones(2, 3))
        assert model.window == 3
        assert not model.training
    after = state(model)
    assert list(model.__dict__) == order
    assert before.keys() == after.keys()
    for key, value in before.items():
        if isinstance(value, torch.Tensor):
            assert torch.equal(value, after[key]), key
        else:
            assert value == after[key], key
    assert model.fc.weight is weight
    assert weight.data_ptr() == where
    assert model.bn.running_mean is mean
    assert model.fc.bias.requires_grad
    assert model.unregistered[0].training
    assert vars(model.helper) == {"calls": 0, "log": {"seen": [1]}}
    assert model.state_dict().keys() == values.keys()
    for key, value in values.items():
        assert torch.equal(value, model.state_dict()[key]), key


def test_running_statistics_are_put_back():
    # batch_norm writes them without raising their version.
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)).train()
    with keep(model):
        model(torch.randn(2, 3, 5, 5))
        assert model[1].num_batches_tracked == 1
    assert torch.equal(model[1].running_mean, torch.zeros(4))
    assert torch.equal(model[1].running_var, torch.ones(4))
    assert model[1].num_batches_tracked == 0


def test_without_buffers_they_are_not_copied():
    model = nn.BatchNorm2d(4).train()
    with keep(model, buffers=False):
        model(torch.randn(2, 4, 5, 5))
    assert model.num_batches_tracked == 1


def test_parameters_written_in_place_come_back_on_request():
    model = nn.Linear(200, 200)
    was = model.weight.detach().clone()
    with keep(model, parameters=True), torch.no_grad():
        model.weight.zero_()
    assert torch.equal(model.weight, was)


def test_gradients_are_put_back():
    model = nn.Linear(2, 2)
    with keep(model):
        model(torch.ones(1, 2)).sum().backward()
    assert model.weight.grad is None


GLOBAL = []
NUMBER = 0


def writes_globals(module, args, out):
    global NUMBER
    NUMBER += 1
    GLOBAL.append(out)


class Listener:
    def __init__(self):
        self.heard = []

    def hear(self, module, args, out):
        self.heard.append(out)


def test_what_hooks_write_to_is_put_back():
    model, caught, listener, last = nn.ReLU(), {}, Listener(), None

    def in_closure(module, args, out):
        nonlocal last
        last = out
        caught["out"] = out
        model.seen = out.shape

    model.register_forward_hook(in_closure)
    model.register_forward_hook(writes_globals)
    model.register_forward_hook(listener.hear)
    model.register_forward_hook(partial(lambda found, m, a, out: found.append(out), GLOBAL))
    with keep(model):
        copy.deepcopy(model)(torch.ones(2))
        model(torch.ones(2))
        assert caught
        assert NUMBER == 2
        assert len(GLOBAL) == 3
        assert len(listener.heard) == 1
    assert (last, caught, NUMBER, GLOBAL, listener.heard) == (None, {}, 0, [], [])
    assert not hasattr(model, "seen")


def test_a_cell_that_is_empty_and_one_that_is_emptied():
    def make():
        kept = [1]

        def hook(module, args, out):
            nonlocal kept
            if False:
                later  # noqa: B018
            del kept

        if kept is None:
            later = 1
        return hook

    model = nn.ReLU()
    model.register_forward_hook(make())
    for _ in range(2):
        with keep(model):
            model(torch.ones(2))


def test_restored_when_the_model_raises():
    class Raises(nn.Module):
        def forward(self, x):
            self.broken = True
            raise ValueError

    model = Raises()
    with pytest.raises(ValueError, match=r"^$"), keep(model):
        model(1)
    assert not hasattr(model, "broken")


def test_a_parametrization_is_removed():
    model = nn.Linear(2, 2)
    with keep(model):
        nn.utils.parametrizations.weight_norm(model)
        assert type(model) is not nn.Linear
    assert type(model) is nn.Linear
    assert [n for n, _ in model.named_parameters()] == ["weight", "bias"]


@pytest.mark.filterwarnings("ignore:.*torch.jit")
def test_a_scripted_module():
    model = torch.jit.script(nn.Sequential(nn.BatchNorm1d(2)))
    with keep(model):
        model(torch.randn(3, 2))
        model.eval()
    assert model.training
    assert model[0].num_batches_tracked == 0


def test_the_world_is_put_back(tmp_path):
    numpy = pytest.importorskip("numpy")
    torch.manual_seed(1)
    random.seed(1)
    numpy.random.seed(1)
    path, filters = list(sys.path), list(warnings.filters)
    with preserve_process_state() as said:
        torch.rand(3)
        random.random()
        numpy.random.rand()
        torch.set_grad_enabled(False)
        torch.set_default_dtype(torch.float64)
        torch.set_default_device("meta")
        torch.use_deterministic_algorithms(True)
        torch.set_float32_matmul_precision("medium")
        torch.set_num_threads(torch.get_num_threads() + 1)
        torch.set_autocast_enabled("cpu", True)
        torch.backends.cudnn.benchmark = True
        warnings.simplefilter("ignore")
        os.environ["ARCHLINT_TEST"] = "1"
        sys.path.insert(0, str(tmp_path))
        sys.setrecursionlimit(5000)
        os.chdir(tmp_path)
        threads = torch.get_num_threads()
    assert torch.initial_seed() == 1
    drawn = torch.rand(1), random.random(), numpy.random.rand()
    torch.manual_seed(1)
    random.seed(1)
    numpy.random.seed(1)
    assert drawn == (torch.rand(1), random.random(), numpy.random.rand())
    assert torch.is_grad_enabled()
    assert torch.get_default_dtype() is torch.float32
    assert torch.empty(1).is_cpu
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.get_float32_matmul_precision() == "highest"
    assert torch.get_num_threads() == threads - 1
    assert not torch.is_autocast_enabled("cpu")
    assert not torch.backends.cudnn.benchmark
    assert warnings.filters == filters
    assert "ARCHLINT_TEST" not in os.environ
    assert sys.path == path
    assert sys.getrecursionlimit() != 5000
    assert os.getcwd() != str(tmp_path)
    assert said.text == ""


class Strange(torch.overrides.TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        raise RuntimeError("a mode that the model left")


def strange(*_):
    raise RuntimeError("a hook that the model left")


def leave_modes():
    Strange().__enter__()
    Strange().__enter__()


def take_out(entries):
    return lambda: entries.__delitem__(slice(None))


@pytest.mark.parametrize(
    "change",
    [
        leave_modes,
        lambda: (torch.set_default_device("meta"), leave_modes()),
        lambda: torch.nn.modules.module.register_module_forward_pre_hook(strange),
        lambda: torch.nn.modules.module.register_module_forward_hook(strange),
        lambda: vars(builtins).update(isinstance=strange, sorted=strange, len=strange),
        lambda: vars(builtins).update(reversed=strange, any=strange, zip=strange, vars=strange),
        lambda: vars(builtins).update(all=strange, map=strange, enumerate=strange),
        take_out(sys.meta_path),
        take_out(sys.path_hooks),
        lambda: setattr(tempfile, "tempdir", "/nowhere"),
    ],
)
def test_what_would_break_the_rest_of_the_process_is_put_back(change):
    def world():
        parts = vars(builtins), sys.meta_path, sys.path_hooks, [tempfile.gettempdir()]
        return [list(p.values()) if isinstance(p, dict) else list(p) for p in parts]

    before = world()
    with preserve_process_state():
        change()
    assert world() == before
    assert torch.nn.Conv2d(1, 1, 1)(torch.ones(1, 1, 1, 1)).is_cpu


def test_what_an_import_adds_to_python_stays():
    finder = type("Finder", (), {"find_spec": staticmethod(lambda *_: None)})
    with preserve_process_state():
        sys.meta_path.append(finder)
        builtins.archlint_test = 1
    try:
        assert sys.meta_path[-1] is finder
        assert builtins.archlint_test == 1
    finally:
        sys.meta_path.remove(finder)
        del builtins.archlint_test


def test_what_is_printed_is_heard_and_not_shown(capfd):
    with preserve_process_state() as said:
        print("to stdout")
        print("to stderr", file=sys.stderr)
        sys.stdout.buffer.write(b"raw\n")
        sys.stdout.close()
    assert said.text == "to stdout\nto stderr\nraw\n"
    assert capfd.readouterr() == ("", "")


def test_printing_for_ever_does_not_fill_the_memory():
    with preserve_process_state() as said:
        for _ in range(40):
            print("x" * 100_000)
    assert len(said.text) < 1_200_000


def test_a_warning_is_no_error_inside():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with preserve_process_state():
            warnings.warn("deprecated", stacklevel=1)


def test_nobody_answers_a_prompt():
    with preserve_process_state(), pytest.raises(EOFError):
        input()


@pytest.mark.parametrize("form", ["to_sparse", "to_sparse_csr"])
@pytest.mark.filterwarnings("ignore:Sparse CSR")
def test_sparse_buffers_are_left_alone(form):
    model = nn.Module()
    model.register_buffer("links", getattr(torch.eye(3), form)())
    links = model.links
    with keep(model):
        model.links = None
    assert model.links is links


def test_looking_for_garbage_goes_on():
    with preserve_process_state():
        gc.disable()
    assert gc.isenabled()
