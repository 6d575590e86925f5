"""A project of models with contracts that a fix makes hold."""

import importlib.util

from archlint.contracts.job import Job
from archlint.contracts.rulefile.load import load
from archlint.engine.check_run import CheckRun
from archlint.explanation.fixes.broken_contract import broken_contract, violation_of
from archlint.models.targets import resolve
from archlint.runner.patched_project import checked_fixes
from archlint.runtime.effort_clock import now

MODELS = """\
import torch
from torch import nn
from torch.nn import functional as F


class Flat(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.fc = nn.Linear(4 * 8 * 8, 3)

    def forward(self, x):
        x = F.max_pool2d(self.conv(x), 2)
        x = x.view(x.size(0), -1)
        return self.fc(x)


class Averaged(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.pool = nn.AvgPool2d(8, stride=1)
        self.drop = nn.Dropout(0.1)
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        return self.fc(torch.flatten(self.drop(self.pool(self.conv(x))), 1))


class AveragedInForward(Averaged):
    def forward(self, x):
        x = torch.nn.functional.avg_pool2d(self.conv(x), 8)
        return self.fc(x.view(x.size(0), -1))


class Nested(Flat):
    def forward(self, x):
        return self.fc(torch.flatten(self.conv(x)[..., ::2, ::2], 1))


def layers():
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.Flatten(), nn.Linear(4 * 8 * 8, 3))


def audio():
    return nn.Sequential(nn.Conv1d(1, 4, 3, padding=1), nn.Flatten(), nn.Linear(4 * 10, 3))


class Dense(nn.Module):
    def __init__(self):
        super().__init__()
        self.up = nn.ConvTranspose2d(1, 1, 2, stride=2)

    def forward(self, x):
        return x + self.up(F.max_pool2d(x, 2))


class Fixed(nn.Module):
    def forward(self, x):
        assert x.shape[2] == 8
        return x


class Positions(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 4, 4)
        self.positions = nn.Parameter(torch.randn(1, 4, 8, 8))

    def forward(self, x):
        x = self.conv(x)
        x = x + self.positions
        return F.adaptive_avg_pool2d(x, 1).flatten(1)


class Steps(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(2, 4, 2, 2)
        self.register_buffer("steps", torch.randn(1, 4, 10))

    def forward(self, x):
        x = self.conv(x)
        return (self.steps + x).mean(2)


def shrinking():
    return nn.Sequential(nn.Conv2d(1, 2, 7), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 3))


def pools():
    return nn.Sequential(nn.MaxPool2d(2), nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten())


class Switch(nn.Module):
    def __init__(self, dynamic_img_size=False):
        super().__init__()
        self.dynamic = dynamic_img_size

    def forward(self, x):
        torch._assert(self.dynamic or x.shape[2] == 8, "the height must be 8")
        return x
"""


def rules(folder, model, input, clause, output):
    """Write the rule file of one contract on a model of ``folder``."""
    lines = ["archlint: 1", "models:", f"  net: nets.py:{model}", "contracts:", "  - id: it"]
    lines += ["    models: [net]", f"    input: {input}", f"    accepts: {clause}  # why"]
    lines += [f"    output: {output}"] if output else []
    file = folder / "rules.yaml"
    file.write_text("\n".join(lines) + "\n")
    return file


def write_models(folder):
    (folder / "pyproject.toml").write_text("")
    (folder / "nets.py").write_text(MODELS)


def fixes_in(file, server):
    (contract,) = load(file).contracts
    ref = contract.models[0]
    with resolve(ref, file.parent) as source:
        run = CheckRun.start(contract, source, deadline=now() + 60)
        violation = violation_of(run)
        if violation is None or violation.expected != "accepted":
            return []
        job = Job(contract, ref, file.parent)
        return checked_fixes(broken_contract(run, violation), job, [], server).fixes


def load_model(folder, name):
    """A model of nets.py as it is now."""
    spec = importlib.util.spec_from_file_location(f"nets_{name}_{id(name)}", folder / "nets.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)()
