"""kill -9 at any time, of any process of a run: no verdict is wrong or lost, and nothing is left.

    python benchmarks/kills.py [--rounds N] [--seed N] [--backends local,loky,dask]

Each round checks 12 contracts in two processes, and kills one of the run's processes, drawn, at a
time that is drawn: the command itself (which also writes the cache and the log), the server that
forks, a process that checks, or a process of joblib or dask. The contract whose process was killed
may be an error that says so; the command is then run again with --resume, and must have every
verdict. The contracts take no model: they answer at once or after a moment, as in the tests.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from table import write

REPO = Path(__file__).parents[1]
MARK = "ARCHLINT_BENCHMARK_RUN"
MODELS = ("proved", "slow", "broken", "tested") * 3
WAIT = 15.0  # seconds within which all processes of a killed run end


@dataclass
class Tally:
    killed: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    errors: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--backends", default="local,local,local,loky,dask")
    options = parser.parse_args()
    draw, tally = random.Random(options.seed), Tally()
    backends = options.backends.split(",")
    start = time.monotonic()
    for number in range(options.rounds):
        with tempfile.TemporaryDirectory(prefix="kills-") as name:
            one_round(Path(name), backends[number % len(backends)], draw, tally, number)
        if number % 20 == 19:
            print(number + 1, tally, flush=True)
    summary = [
        f"{options.rounds} rounds, seed {options.seed}: {len(tally.wrong)} verdicts wrong, "
        f"{len(tally.lost)} lost, {len(tally.left)} rounds left a process or a file; "
        f"{tally.errors} contracts were errors that name the kill; "
        f"{time.monotonic() - start:.0f} s",
        *tally.wrong[:5], *tally.lost[:5], *tally.left[:5],
    ]  # fmt: skip
    print(*summary, sep="\n")
    rows = [(what, str(count)) for what, count in sorted(tally.killed.items())]
    write("kills", "python benchmarks/kills.py", summary, ("killed", "rounds"), rows)


def one_round(folder: Path, backend: str, draw: random.Random, tally: Tally, number: int) -> None:
    scratch = folder / "tmp"
    scratch.mkdir()
    (folder / "pyproject.toml").touch()
    lines = [f"  c{i}: [{model}]" for i, model in enumerate(MODELS)]
    (folder / "archlint.yaml").write_text("\n".join(["archlint: 1", "contracts:", *lines]) + "\n")
    run_id = uuid.uuid4().hex
    process = started(folder, scratch, run_id, backend)
    try:
        time.sleep(draw.uniform(0.2, 2.5 if backend == "local" else 6))
        running = processes(run_id)
        if running and process.poll() is None:
            pid = draw.choice(sorted(running))
            tally.killed[f"{backend}: {kind_of(pid, process.pid)}"] += 1
            os.kill(pid, signal.SIGKILL)
        else:
            tally.killed["none: the run had ended"] += 1
        stdout, stderr = process.communicate(timeout=180)
        judge(folder, stdout, stderr, process.returncode, tally, number)
        end = time.monotonic() + WAIT
        while (remaining := processes(run_id)) and time.monotonic() < end:
            time.sleep(0.05)
        files = [str(p.relative_to(scratch)) for p in scratch.rglob("*")]
        if remaining or files:
            kinds = [kind_of(pid, 0) for pid in remaining]
            tally.left.append(f"round {number} ({backend}): {kinds} {files[:4]}")
    finally:
        for pid in processes(run_id):
            os.kill(pid, signal.SIGKILL)
    again = started(folder, scratch, "", "local")  # resumes what was logged
    stdout, stderr = again.communicate(timeout=180)
    words = [v["verdict"] for v in json.loads(stdout)["verdicts"]]
    if words != [m.replace("slow", "proved") for m in MODELS]:
        tally.lost.append(f"round {number}: {words} {stderr}")


def started(folder: Path, scratch: Path, id: str, backend: str) -> subprocess.Popen[str]:
    command = [
        sys.executable, "-m", "tests.support.stub_cli", "check", "--jobs=2", "--format=json",
        "--backend", backend, "--output=jsonl=log.jsonl", "--resume=log.jsonl",
    ]  # fmt: skip
    env = os.environ | {"PYTHONPATH": str(REPO), "TMPDIR": str(scratch), MARK: id}
    return subprocess.Popen(
        command, cwd=folder, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def judge(folder: Path, stdout: str, stderr: str, code: int, tally: Tally, number: int) -> None:
    """What the run reported, or only logged if it was killed."""
    log = folder / "log.jsonl"
    lines = log.read_text().split("\n")[:-1] if log.exists() else []
    verdicts = [json.loads(line) for line in lines]
    if code >= 0:
        if not stdout:
            tally.lost.append(f"round {number}: no report, {stderr[-300:]}")
            return
        reported = json.loads(stdout)["verdicts"]
        if len(reported) < len(MODELS) and not any(v["verdict"] == "error" for v in reported):
            tally.lost.append(f"round {number}: {len(reported)} verdicts, {stderr[-300:]}")
        verdicts += reported
    for verdict in verdicts:
        expected = verdict["model"].replace("slow", "proved")
        if verdict["verdict"] == "error":
            tally.errors += 1
            words = ("killed", "were checked", "stopped answering", "could not start")
            if not any(word in verdict["message"] for word in words):
                tally.wrong.append(f"round {number}: {verdict['message']}")
        elif verdict["verdict"] != expected:
            tally.wrong.append(f"round {number}: {verdict}")


def processes(id: str) -> list[int]:
    """The processes that have the mark of a run in their environment, without zombies."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"{MARK}={id}".encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found if id else []


def kind_of(pid: int, parent: int) -> str:
    if pid == parent:
        return "the command"
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
        above = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        above_words = Path(f"/proc/{above}/cmdline").read_text()
    except (OSError, ValueError, IndexError):
        return "a process that had just ended"
    if any("job_process" in word for word in words):
        return "a job or a template" if "job_process" in above_words else "a server"
    return "a process of joblib or dask"


if __name__ == "__main__":
    main()
