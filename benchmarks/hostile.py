"""Models that harm their process, each between good ones: `check`, dask, `infer` and pytest.

    python benchmarks/hostile.py [check] [dask] [infer] [pytest]

`hostile_models.py` has the models. Each hostile contract needs its own verdict, with a message if
it is an error, and every good contract is proved. Afterwards no process is left, and no temporary
file. pytest runs with pytest-forked, and only models that a process survives.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from table import write

REPO = Path(__file__).parents[1]
MARK = "ARCHLINT_BENCHMARK_RUN"

Verdicts = dict[str, tuple[str, str]]
"""By contract: the word, and the message."""


def main() -> None:
    routes: dict[str, Callable[[Run], Verdicts]] = {
        "check": Run.check, "dask": Run.dask, "infer": Run.infer, "pytest": Run.pytest,
    }  # fmt: skip
    chosen = sys.argv[1:] or [*routes]
    all_names, survivors = _names("h.ENDS + h.SURVIVES"), _names("h.SURVIVES")
    table: dict[str, dict[str, tuple[str, str]]] = {}
    summary = [f"{len(all_names)} hostile models, each followed by a good one"]
    for route in chosen:
        names = survivors if route == "pytest" else all_names
        with Run(names) as run:
            start = time.monotonic()
            found = routes[route](run)
            seconds = time.monotonic() - start
            litter, processes = run.left()
        good = [n for n in names if route != "infer" or f"good-{n}" in found]
        bad = [n for n in good if found.get(f"good-{n}", ("missing", ""))[0] != "proved"]
        none = [n for n in names if n not in found]
        silent = [n for n, (word, message) in found.items() if word == "error" and not message]
        traces = [n for n, (_, message) in found.items() if "internal error in archlint" in message]
        summary.append(
            f"{route}: {len(bad)} of {len(good)} good contracts harmed {bad}, "
            f"{len(none)} have no verdict {none}, "
            f"{len(silent)} errors without a message {silent}, "
            f"{len(traces)} internal errors {traces}, "
            f"{processes} processes and {len(litter)} temporary files left {litter}; "
            f"{seconds:.0f} s"
        )
        print(summary[-1], flush=True)
        for name in names:
            table.setdefault(name, {})[route] = found.get(name, ("none", ""))
    rows = [
        (name, *(found[route][0] if route in found else "" for route in chosen), _first(found))
        for name, found in table.items()
    ]
    write("hostile", "python benchmarks/hostile.py", summary, ("model", *chosen, "message"), rows)


def _names(which: str) -> list[str]:
    code = f"import hostile_models as h; print(*{which})"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True)
    return done.stdout.split()


def _first(found: dict[str, tuple[str, str]]) -> str:
    messages = [m.partition("\n")[0] for _, m in found.values() if m]
    return messages[0][:110] if messages else ""


class Run:
    """A project of its own, with a temporary folder of its own, whose processes are marked."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.folder = Path(tempfile.mkdtemp(prefix="hostile-"))
        self.scratch = self.folder / "tmp"
        self.project = self.folder / "project"
        self.id = uuid.uuid4().hex
        for each in (self.scratch, self.project):
            each.mkdir()
        for file in Path(__file__).parent.glob("hostile_*.py"):
            shutil.copy(file, self.project)
        (self.project / "pyproject.toml").touch()
        lines = ["archlint: 1", "models:", "  good: hostile_models.py:good"]
        lines += [f"  {name}: hostile_models.py:{name}" for name in names]
        lines.append("contracts:")
        for name in names:
            for id, model in ((name, name), (f"good-{name}", "good")):
                lines += [
                    f"- id: {id}", f"  models: {model}", "  input: N 3 H W", "  samples: 1",
                    "  accepts: any N >= 1 and H, W >= 8", "  budget: {seconds: 3}",
                ]  # fmt: skip
        (self.project / "archlint.yaml").write_text("\n".join(lines) + "\n")

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        for pid in self._processes():
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def archlint(self, *options: str) -> subprocess.CompletedProcess[str]:
        return self.python("-m", "archlint", *options)

    def python(self, *options: str) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join(filter(None, (str(REPO), os.environ.get("PYTHONPATH"))))
        env = os.environ | {"PYTHONPATH": path, "TMPDIR": str(self.scratch), MARK: self.id}
        outputs = (self.folder / "stdout", self.folder / "stderr")
        with outputs[0].open("wb") as out, outputs[1].open("wb") as err:  # what is left holds pipes
            done = subprocess.run(
                [sys.executable, *options], cwd=self.project, env=env, stdout=out, stderr=err,
                stdin=subprocess.DEVNULL, timeout=3000, start_new_session=True,
            )  # fmt: skip
        texts = (file.read_text(errors="replace") for file in outputs)
        return subprocess.CompletedProcess(done.args, done.returncode, *texts)

    def check(self, *options: str) -> Verdicts:
        done = self.archlint("check", "--format=json", "--no-cache", "--jobs=2", *options)
        return self._verdicts(done.stdout or done.stderr)

    def dask(self) -> Verdicts:
        return self.check("--backend", "dask")

    def pytest(self) -> Verdicts:
        """A process that ended has no verdict, but a failure of pytest-forked's.

        Only the models that a process survives: pytest-forked waits for one that stops, and is in
        the group of processes that another one kills.
        """
        if find_spec("pytest_forked") is None:
            raise SystemExit("the route pytest needs pytest-forked, which works with pytest 8")
        file = self.folder / "pytest.json"
        start = "import sys, pytest, torch; sys.exit(pytest.main(sys.argv[1:]))"
        options = ("--forked", "-p", "no:randomly", "--archlint-json", str(file))
        done = self.python("-c", start, "-q", *options, "archlint.yaml")
        if not file.exists():
            raise SystemExit(done.stdout + done.stderr)
        ended = re.findall(r"_ ([\w-]+)\[\w+\] _+\n.*: (running the test .*)", done.stdout)
        found = {name: ("error", message) for name, message in ended}
        return found | self._verdicts(file.read_text())

    def _verdicts(self, text: str) -> Verdicts:
        data = json.loads(text).get("verdicts", [])
        return {v["contract"]: (v["verdict"], v["message"]) for v in data}

    def infer(self) -> Verdicts:
        found = {}
        for name in self.names:
            for id, model in ((name, name), (f"good-{name}", "good")):
                if id != name and name != self.names[-1]:
                    continue  # nothing is shared by two commands: one good model shows it
                target = f"hostile_models.py:{model}"
                done = self.archlint("infer", target, "--input", "N 3 H W", "--seconds", "3")
                word = {0: "proved", 2: "error"}.get(done.returncode, f"code {done.returncode}")
                message = done.stderr if done.returncode else ""
                found[id] = (word, message.removeprefix("Error: "))
        return found

    def left(self) -> tuple[list[str], int]:
        """The temporary files and the number of processes that are left."""
        time.sleep(1)
        files = sorted(str(f.relative_to(self.scratch)) for f in self.scratch.rglob("*"))
        return files, len(self._processes())

    def _processes(self) -> list[int]:
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                if f"{MARK}={self.id}".encode() in path.read_bytes():
                    found.append(int(path.parent.name))
            except OSError:
                continue
        return found


if __name__ == "__main__":
    main()
