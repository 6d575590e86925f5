"""A project of 40 contracts whose models change the process for others, and notice if it changed.

``python -m tests.support.neighbours ROUNDS SEED [LOOPS]`` checks it in shuffled orders beside busy
loops (3 by default), and prints the verdicts that are not as in ``EXPECTED``.
"""

import json
import os
import random
import re
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path

from tests import REPO

PATCHES = {
    "conv": "_o = nn.Conv2d.forward\n"
    "nn.Conv2d.forward = lambda s, x: _o(s, F.pad(x, (0, 9, 0, 9)))",
    "linear": "F.linear = lambda x, w, b=None: x[..., :1] @ w.new_ones(1, len(w))",
    "call": "nn.Module.__call__ = lambda self, *a, **k: a[0]",
    "view": "torch.Tensor.view = lambda x, *s: x.flatten(1)\n"
    "torch.Tensor.flatten_ = torch.Tensor.flatten",
    "shape": "torch.Tensor.size = lambda x, *a: 8",
    "dtype": "torch.set_default_dtype(torch.float64)",
    "grad": "torch.set_grad_enabled(False)\ntorch.use_deterministic_algorithms(True)",
    "builtins": "import builtins\nbuiltins.len = lambda x: 1\nbuiltins.min = max",
    "math": "import math\nmath.ceil = math.floor = lambda x: 7",
    "path": "import sys\nsys.path.insert(0, os.path.join(os.path.dirname(__file__), 'fake'))\n"
    "import helper",
    "modules": "import sys, types\nsys.modules['helper'] = types.SimpleNamespace(WIDTH=1)",
    "environment": "os.environ['WIDTH'] = '99'\nos.environ.pop('HOME', None)",
    "folder": "os.chdir('/')\nos.umask(0o777)",
    "limits": "import gc, sys\nsys.setrecursionlimit(180)\ngc.disable()",
    "random": "import random\nrandom.random = lambda: 0.5\nrandom.seed = torch.manual_seed = print",
    "warnings": "import warnings\nwarnings.simplefilter('error')\nwarnings.warn('x') if 0 else 0",
    "signals": "import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\nsignal.alarm(1)",
    "hooks": "import sys, atexit, threading\natexit.register(os._exit, 9)\n"
    "sys.excepthook = sys.unraisablehook = threading.excepthook = None",
    "archlint": "import archlint.symbolic.expr as e\nimport archlint.engine.pipeline as p\n"
    "p.check_source = None",
    "streams": "import sys\nsys.stdout = sys.stderr = None\nos.close(1)",
}  # fmt: skip
"""What the module of a neighbour does when it is imported."""

_IMPORTS = "import os\nimport torch\nfrom torch import nn\nfrom torch.nn import functional as F\n"
_NEIGHBOUR = f"{_IMPORTS}{{}}\n\n\ndef make():\n    return nn.Flatten()\n"

VICTIMS = {
    "kernel": "return nn.Sequential(nn.Conv2d(3, 4, 9), nn.AdaptiveAvgPool2d(1))",
    "head": "return nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(48, 2))",
    "fixed": "return nn.Sequential(nn.Flatten(), nn.Linear(3 * 9 * 9, 2))",
    "floats": "return Calls(lambda x: x @ torch.ones(x.shape[-1], 2))",
    "counts": "return Calls(lambda x: x.reshape(len(x), min(x.shape[1:]), -1))",
    "ceils": "return Calls(lambda x: F.pad(x, (0, math.ceil(x.shape[3] / 2))))",
    "helps": "import helper\n    return nn.Conv2d(3, 4, helper.WIDTH)",
    "reads": "return nn.Conv2d(3, 4, int(os.environ.get('WIDTH', '9')))",
    "files": "return nn.Conv2d(3, 4, int(open('width.txt').read()))",
    "deep": "return Calls(lambda x: down(x, 150))",
}
"""How a model is built that notices what a neighbour did."""

_VICTIM = f"""import math
{_IMPORTS}

class Calls(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def down(x, steps):
    return x if steps == 0 else down(x, steps - 1)


def make():
    {{}}
"""

EXPECTED = {
    **{("patch", f"patches_{name}"): "proved" for name in PATCHES},
    ("patch", "patches_builtins"): "error",  # archlint itself cannot work in such a process
    ("patch", "patches_archlint"): "error",
    **{
        (f"from-{least}", name): word
        for least, words in ((8, "b p b p p p b b b p"), (9, "p p b p p p p p p p"))
        for name, word in zip(
            VICTIMS, map({"p": "proved", "b": "broken"}.get, words.split()), strict=True
        )
    },
}
"""The verdict by contract and model: a kernel of 9 needs 9 rows, and ``fixed`` just 9 x 9."""


SMALLEST = {"from-8": {"N": 1, "H": 8, "W": 8}, "from-9": {"N": 1, "H": 9, "W": 10}}


def write(folder: Path, draw: random.Random, count: int = len(EXPECTED)) -> None:
    """Write the project into a folder, ``count`` of its contracts in an order that is drawn."""
    (folder / "fake").mkdir(exist_ok=True)
    (folder / "fake" / "helper.py").write_text("WIDTH = 1\n")
    (folder / "helper.py").write_text("WIDTH = 9\n")
    (folder / "width.txt").write_text("9")
    (folder / "pyproject.toml").touch()
    for name, patch in PATCHES.items():
        (folder / f"patches_{name}.py").write_text(_NEIGHBOUR.format(patch))
    for name, body in VICTIMS.items():
        (folder / f"{name}.py").write_text(_VICTIM.format(body))
    names = dict.fromkeys(model for _, model in EXPECTED)
    lines = ["archlint: 1", "models:", *(f"  {n}: {n}.py:make" for n in names), "contracts:"]
    for contract, model in draw.sample(sorted(EXPECTED), count):
        least = contract.rpartition("-")[2] if model in VICTIMS else "1"
        lines += [
            f"- id: {contract}-{model}", f"  models: {model}", "  input: N 3 H W",
            f"  accepts: any N >= 1 and H, W >= {least}", "  samples: 2",
        ]  # fmt: skip
    (folder / "archlint.yaml").write_text("\n".join(lines) + "\n")


def differences(folder: Path, *options: str, seed: int = 0) -> list[str]:
    """Check the project; the verdicts that differ from ``EXPECTED``, with their messages."""
    done = subprocess.run(
        [sys.executable, "-m", "archlint", "check", "--format", "json", *options],
        cwd=folder, capture_output=True, text=True, timeout=600,
        env=os.environ | {"PYTHONPATH": str(REPO), "PYTHONHASHSEED": str(seed)},
    )  # fmt: skip
    verdicts = json.loads(done.stdout)["verdicts"]
    wanted = {f"{c}-{m}": word for (c, m), word in EXPECTED.items()}
    if not verdicts or done.stderr:
        return [f"{len(verdicts)} verdicts: {done.stderr}"]
    chosen = next((o.partition("=")[2] for o in options if o.startswith("--select=")), "*")
    ids = re.findall(r"id: ([\w-]+)", (folder / "archlint.yaml").read_text())
    lost = {i for i in ids if fnmatch(i, chosen)} - {v["contract"] for v in verdicts}
    return [f"{i}: no verdict" for i in sorted(lost)] + [
        f"{v['contract']}: {v['verdict']}, not {wanted[v['contract']]}: {v['message']}"
        for v in verdicts
        if v["verdict"] != wanted[v["contract"]]
        or (v["verdict"] == "broken" and v["counterexample"] != SMALLEST[v["contract"][:6]])
    ]  # fmt: skip


@contextmanager
def busy(count: int):
    """Loops that use all processors meanwhile."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def main(rounds: int, seed: int, loops: int = 3) -> None:
    """Check in ``rounds`` orders, from the cache of the one before or without a cache."""
    draw = random.Random(seed)
    wrong = 0
    with tempfile.TemporaryDirectory() as name, busy(loops):
        for number in range(rounds):
            write(Path(name), draw)
            options = [f"--jobs={draw.choice((1, 2, 4))}"]
            if draw.random() < 0.7:
                options.append("--no-cache")
            if draw.random() < 0.3:
                selected = draw.choice(("from-*", "*-k*", "patch-*", "*s"))
                options.append(f"--select={selected}")
            found = differences(Path(name), *options, seed=draw.randrange(1000))
            wrong += len(found)
            print(f"round {number}: {' '.join(options)}: {found or 'as expected'}", flush=True)
    print(f"{rounds} rounds, seed {seed}: {wrong} verdicts differ")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
