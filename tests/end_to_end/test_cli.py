"""The command line: what is decided, what is said, and the exit code."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from archlint.cli import app as cli
from archlint.contracts import settings
from archlint.contracts.rulefile import load as rulefile
from archlint.contracts.verdict import Verdict
from archlint.runner import joblib_backends as backends
from tests import REPO
from tests.support import stub_cli


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project to work in; calling it writes a file."""
    monkeypatch.chdir(tmp_path)

    def write(name="archlint.yaml", contracts=None, more="", text=None):
        lines = [f"  {id}: [{', '.join(models)}]" for id, models in (contracts or {}).items()]
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text or "\n".join(["archlint: 1", "contracts:", *lines, more]))
        return path

    return write


@pytest.fixture
def check(project, monkeypatch):
    """``archlint check`` in this process, on stub contracts."""
    stub_cli.install(
        lambda where, name, value: monkeypatch.setattr(where, name, value, raising=False)
    )
    return lambda *args: CliRunner().invoke(cli.cli, ["check", *map(str, args)])


def ids(result):
    return [(v["contract"], v["model"]) for v in json.loads(result.stdout)["verdicts"]]


def start(*args, env=(), **kwargs):
    """``archlint`` in a process of its own, on stub contracts."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.stub_cli", *map(str, args)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(REPO), "PYTHONIOENCODING": "utf-8"} | dict(env),
        **kwargs,
    )


# What is said, and the exit code


@pytest.mark.parametrize(
    ("models", "options", "code"),
    [
        (["proved"], [], 0),
        (["proved", "tested"], [], 0),
        (["proved", "tested"], ["--strict"], 1),
        (["proved", "broken"], [], 1),
        (["vacuous"], [], 1),
        (["broken", "error"], [], 2),
        (["broken", "exits"], [], 2),
    ],
)
def test_exit_codes(project, check, models, options, code):
    project(contracts={"a": models})
    assert check(*options).exit_code == code


def test_text(project, check):
    project(contracts={"a": ["proved", "broken"], "b": ["tested"]})
    result = check()
    assert result.stdout == (
        "proved  a · proved   (1 path, 12 claims, 8 samples on cpu, 0.41 s)\n"
        "\n"
        "archlint.yaml:3  BROKEN  a · broken\n"
        "  reason     because it is broken\n"
        "\n"
        "tested  b · tested   (0 paths, 0 claims, no samples, 0.00 s)\n"
        "  reason     because it is tested\n"
        "\n"
        "1 proved, 1 tested, 1 broken\n"
    )
    assert result.stderr == ""


def test_json(project, check):
    project(contracts={"a": ["broken"]})
    result = check("--format", "json")
    document = json.loads(result.stdout)
    assert document["archlint"] == settings.version()
    assert document["summary"]["broken"] == 1
    assert document["errors"] == []
    assert result.exit_code == 1


def test_verdicts_are_in_the_order_of_the_file_whichever_comes_first(project, check):
    project(contracts={"a": ["slow"], "b": ["proved"], "c": ["slow", "proved"]})
    expected = [("a", "slow"), ("b", "proved"), ("c", "slow"), ("c", "proved")]
    assert ids(check("--jobs", 2, "--format", "json")) == expected


def test_quiet_and_verbose(project, check):
    project(contracts={"a": ["proved", "prints"]})
    assert check("-q").stdout == "2 proved\n"
    assert "to stdout" not in check("-v").stdout
    assert "to stdout" in check("-vv").stdout


def test_samples_reach_the_decision(project, check):
    project(contracts={"a": ["samples"]})

    def message(*options):
        return json.loads(check("--format=json", *options).stdout)["verdicts"][0]["message"]

    root = Path.cwd()
    assert message() == f"samples=None root={root}"
    assert message("--samples", 5) == f"samples=5 root={root}"
    assert message("--no-sample") == f"samples=0 root={root}"
    assert check("--no-sample", "--samples", 3).exit_code == 2


def test_no_cache_is_accepted(project, check):
    project(contracts={"a": ["proved"]})
    assert check("--no-cache").exit_code == 0


# What is selected


@pytest.fixture
def several(project):
    project(
        contracts={"photo-any": ["proved", "samples"], "photo-big": ["proved"], "grid": ["slow"]}
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--select", "grid"], ["grid/slow"]),
        (["--select", "photo-*", "--model", "proved"], ["photo-any/proved", "photo-big/proved"]),
        (["--select", "grid", "--select", "*-big"], ["photo-big/proved", "grid/slow"]),
        (["--model", "s*"], ["photo-any/samples", "grid/slow"]),
    ],
)
def test_selection(several, check, options, expected):
    assert ["/".join(pair) for pair in ids(check("--format=json", *options))] == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--select", "gird"], "no contract matches 'gird'; did you mean 'grid'?"),
        (["--select", "grid", "--select", "zzz"], "there are grid, photo-any, photo-big"),
        (["--select", "photo"], "did you mean '*photo*', which matches photo-any, photo-big?"),
        (["--select", "photo-a"], "no contract matches 'photo-a'; did you mean 'photo-any'?"),
        (["--model", "prooved"], "no model matches 'prooved'; did you mean 'proved'?"),
        (["--select", "grid", "--model", "proved"], "no model matches 'proved'; there are slow"),
    ],
)
def test_a_pattern_that_matches_nothing_is_an_error(several, check, options, message):
    result = check(*options)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""


# Mistakes in rule files


def test_all_mistakes_are_told_and_the_other_files_decided(project, check):
    project("contracts/a.yaml", text="archlint: 1\nmodel: x\ncontract: y\n")
    project("contracts/b.yaml", contracts={"b": ["proved"]})
    result = check()
    assert result.exit_code == 2
    assert "contracts/a.yaml:2:1: unknown key 'model'" in result.stderr
    assert "contracts/a.yaml:2:1: unknown key 'contract'" in result.stderr
    assert "proved  b · proved" in result.stdout

    document = json.loads(check("--format=json").stdout)
    assert [e["found"] for e in document["errors"]] == [
        "unknown key 'model'",
        "unknown key 'contract'",
    ]
    assert document["summary"]["proved"] == 1


def test_only_mistakes(project, check):
    project(text="archlint: 1\nmodel: x\n")
    result = check("--select", "any")
    assert result.exit_code == 2
    assert "unknown key 'model'" in result.stderr


def test_a_file_that_cannot_be_read(project, check, monkeypatch):
    project(contracts={"a": ["proved"]})

    def load(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(rulefile, "load", load)
    result = check()
    assert result.exit_code == 2
    assert "archlint.yaml:1:1: cannot be read: Permission denied" in result.stderr


# Where rule files are found


def test_nothing_to_check(project, check):
    result = check()
    assert result.exit_code == 2
    assert "no rule file found in" in result.stderr


def test_a_file_without_models(project, check):
    project(contracts={"a": []})
    result = check()
    assert result.exit_code == 2
    assert "archlint.yaml: no contract with a model; archlint init writes" in result.stderr


def test_a_python_file_is_no_rule_file(project, check):
    project("net.py", text="class Net: pass\n")
    result = check("net.py")
    assert result.exit_code == 2
    assert "net.py is a Python file; expected a rule file, which archlint init" in result.stderr


def test_default_places(project, check):
    project("archlint.yaml", contracts={"a": ["proved"]})
    project("vision.archlint.yaml", contracts={"b": ["proved"]})
    project("contracts/deep/c.yml", contracts={"c": ["proved"]})
    project("other/d.yaml", contracts={"d": ["proved"]})
    assert [c for c, _ in ids(check("--format=json"))] == ["a", "c", "b"]


def test_configured_places_from_below_the_root(project, check, monkeypatch):
    project("pyproject.toml", text='[tool.archlint]\npaths = ["rules"]\n')
    project("rules/a.yaml", contracts={"a": ["proved"]})
    project("archlint.yaml", contracts={"b": ["proved"]})
    project("src/empty.txt", text="-")
    assert ids(check("--format=json")) == [("a", "proved")]
    monkeypatch.chdir("src")
    assert ids(check("--format=json")) == [("a", "proved")]


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("[tool.archlint]\npath = []\n", "unknown key 'path' in [tool.archlint]; did you mean"),
        ("[tool.archlint]\npaths = 3\n", "must be a list of strings"),
        ("[tool]\narchlint = 3\n", "[tool.archlint] must be a table"),
        ("[tool.archlint\n", "pyproject.toml: "),
        ('[tool.archlint]\npaths = ["gone"]\n', "gone: no such file or folder"),
    ],
)
def test_bad_settings(project, check, toml, message):
    project("pyproject.toml", text=toml)
    result = check()
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_folder_means_the_rule_files_in_it(project, check):
    project("all/x/a.yaml", contracts={"a": ["proved"]})
    project("all/b.yml", contracts={"b": ["proved"]})
    project("all/quoted.yaml", text='# a comment\n"archlint": 1\ncontracts: {q: [proved]}\n')
    project("all/other.yaml", text="key: {archlint: 1}\n")
    project("all/.hidden/c.yaml", contracts={"c": ["proved"]})
    project("all/venv/pyvenv.cfg", text="-")
    project("all/venv/d.yaml", contracts={"d": ["proved"]})
    assert [c for c, _ in ids(check("all", "--format=json"))] == ["b", "q", "a"]


def test_a_file_named_twice_is_read_once(project, check):
    project("all/a.yaml", contracts={"a": ["proved"]})
    assert len(ids(check("all/a.yaml", "all", "--format=json"))) == 1


def test_a_path_that_is_not_there(project, check):
    project("rules.yaml", contracts={"a": ["proved"]})
    result = check("rulse.yaml")
    assert result.exit_code == 2
    assert "rulse.yaml: no such file or folder; did you mean 'rules.yaml'?" in result.stderr


def test_an_empty_folder(project, check):
    project("docs/readme.txt", text="-")
    result = check("docs")
    assert result.exit_code == 2
    assert "docs: no rule file" in result.stderr


# Colour


@pytest.mark.parametrize(
    ("options", "env", "colored"),
    [
        ([], {}, False),
        (["--color=always"], {}, True),
        (["--color=always"], {"NO_COLOR": "1"}, True),
        (["--color=never"], {}, False),
    ],
)
def test_color_in_a_pipe(several, check, monkeypatch, options, env, colored):
    for key, value in env.items():
        monkeypatch.setenv(key, value)
    assert ("\x1b[" in check(*options).stdout) == colored


@pytest.mark.parametrize(
    ("env", "colored"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_color_and_progress_on_a_terminal(several, env, colored):
    output, code = on_terminal("check", "--select", "grid", env=env)
    assert code == 0
    assert ("\x1b[32mproved\x1b[0m" in output) == colored
    assert "1 proved" in output


def test_quiet_shows_no_progress(several):
    output, _ = on_terminal("check", "-q", env={"NO_COLOR": "1"})
    assert output == "4 proved\r\n"


def on_terminal(*args, env):
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.stub_cli", *args],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=os.environ | {"PYTHONPATH": str(REPO), "TERM": "xterm"} | env,
    )
    os.close(theirs)
    output = b""
    try:
        while chunk := os.read(ours, 4096):
            output += chunk
    except OSError:  # the terminal closed
        pass
    os.close(ours)
    return output.decode(), process.wait(60)


# Real processes


def test_a_process_and_its_exit_code(project):
    project(contracts={"a": ["proved", "crashes", "hang", "exits", "broken"]}, more="seconds: 0.3")
    process = start("check", "-j2", "--format=json")
    stdout, stderr = process.communicate(timeout=120)
    assert stderr == ""
    assert process.returncode == 2
    words = [v["verdict"] for v in json.loads(stdout)["verdicts"]]
    assert words == ["proved", "error", "error", "error", "broken"]


@pytest.mark.parametrize(
    ("stop", "code"),
    [
        (signal.SIGINT, 130),
        (signal.SIGTERM, 143),
        (signal.SIGHUP, 129),
        (signal.SIGKILL, -9),
    ],
)
def test_a_stopped_run_leaves_nothing_behind(project, tmp_path, stop, code):
    project(contracts={"a": ["marks"]})
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    process = start("check", env={"TMPDIR": str(scratch)})
    mark = next(iter(await_files(tmp_path, "started")))
    process.send_signal(stop)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == code
    assert stdout == ""
    words = "interrupted: 0 of 1 contracts were checked; all workers were stopped\n"
    assert stderr == (words if code > 0 else "")
    assert not list(scratch.iterdir())
    await_end(int(mark.read_text()))


@pytest.mark.parametrize(("stop", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_reports_what_was_checked(project, tmp_path, stop, code):
    project(contracts={"a": ["proved", "broken", "marks"]})
    formats = ("jsonl", "json", "junit", "sarif", "html")
    process = start("check", "-j1", *(f"--output={f}=out/run.{f}" for f in formats))
    await_files(tmp_path, "started")
    process.send_signal(stop)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == code
    assert "BROKEN" in stdout
    assert "1 proved" in stdout
    assert stderr == "interrupted: 2 of 3 contracts were checked; all workers were stopped\n"
    written = {f: (tmp_path / "out" / f"run.{f}").read_text() for f in formats}
    lines = written["jsonl"].splitlines()
    assert [json.loads(line)["verdict"] for line in lines] == ["proved", "broken"]
    verdicts = json.loads(written["json"])["verdicts"]
    assert [v["verdict"] for v in verdicts] == ["proved", "broken", "error"]
    # No reader of these files takes the run for a complete one.
    for format_ in formats[1:]:
        assert "2 of 3 contracts were checked" in written[format_], format_


def test_verdicts_are_printed_as_they_come_and_in_order(project, tmp_path):
    project(contracts={"a": ["broken", "proved", "gate", "tested"], "b": ["proved", "marks"]})
    process = start("check", "-j2")
    await_files(tmp_path, "started")  # all but the one at the gate are checked
    first = "".join(process.stdout.readline() for _ in range(4))
    assert re.findall(r"\w+  (\w · \w+)", first) == ["a · broken", "a · proved"]
    (tmp_path / "gate").touch()
    rest = "".join(process.stdout.readline() for _ in range(6))
    assert re.findall(r"\w+  (\w · \w+)", rest) == ["a · gate", "a · tested", "b · proved"]
    process.send_signal(signal.SIGINT)
    stdout, _ = process.communicate(timeout=60)
    assert stdout == "\n3 proved, 1 tested, 1 broken\n"


def test_a_backend_that_fails_leaves_the_report_of_what_was_checked(project, check, monkeypatch):
    def fails(jobs, *_args, **_kwargs):
        yield 0, Verdict("proved", jobs[0].contract.id, jobs[0].ref.name)
        raise backends.BackendError("loky failed: a worker process was killed")

    project(contracts={"a": ["proved", "tested"]})
    monkeypatch.setattr(backends, "run", fails)
    result = check("--no-cache", "--output", "json=run.json")
    assert result.exit_code == 2
    assert "loky failed" in result.stderr
    assert "1 proved" in result.stdout
    assert "1 of 2 contracts were checked" in Path("run.json").read_text()


def await_files(folder, name):
    deadline = time.monotonic() + 60
    while not (found := [f for f in folder.rglob(name) if f.read_text()]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def await_end(pid):
    deadline = time.monotonic() + 20
    while True:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        assert time.monotonic() < deadline, f"process {pid} is still there"
        time.sleep(0.05)


def test_a_reader_that_leaves_early_changes_no_verdict(project):
    project(contracts={f"c{i}": ["broken"] for i in range(3)})
    read, write = os.pipe()
    os.close(read)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.stub_cli", "check"],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(REPO)},
    )
    os.close(write)
    _, stderr = process.communicate(timeout=60)
    assert stderr == ""
    assert process.returncode == 1


def test_a_poor_encoding_is_no_crash(project):
    project(contracts={"a": ["proved"]})
    process = start("check", env={"PYTHONIOENCODING": "iso8859-5"})
    stdout, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "a \\xb7 proved" in stdout


@pytest.mark.parametrize("args", [["--version"], ["--help"], ["check", "--help"]])
def test_light_commands_import_nothing_heavy(args):
    code = (
        "import sys, atexit, archlint.cli.app\n"
        "heavy = {'torch', 'z3', 'yaml', 'lark', 'pydantic', 'rich'}\n"
        "atexit.register(lambda: print('heavy:', sorted(heavy & sys.modules.keys())))\n"
        f"sys.argv[1:] = {args}\n"
        "archlint.cli.app.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=REPO
    )
    assert done.returncode == 0
    assert done.stdout.endswith("heavy: []\n")


def test_python_dash_m():
    done = subprocess.run(
        [sys.executable, "-m", "archlint", "--version"],
        capture_output=True, text=True, timeout=60, cwd=REPO,
    )  # fmt: skip
    assert done.stdout == f"archlint {settings.version()}\n"
    assert done.returncode == 0


def test_help_lists_the_commands_in_the_order_of_use():
    text = CliRunner().invoke(cli.cli, ["--help"]).output
    order = ["init", "check", "explain", "fix", "infer", "cost", "export-ranges"]
    order += ["compare-artifact", "lock", "diff", "badge", "rules", "cache"]
    lines = text[text.index("Commands:") :].splitlines()[1:]
    assert [line.split()[0] for line in lines if line[:3].strip()][: len(order)] == order
    assert "https://github.com/archlint/torch-archlint" in text
    assert "..." not in text[text.index("Commands:") :]


def test_a_misspelt_command():
    result = CliRunner().invoke(cli.cli, ["chekc"])
    assert result.exit_code == 2
    assert "No such command 'chekc'; did you mean 'check'?" in result.output


@pytest.mark.parametrize("args", [["chekc"], ["check", "--jobs", "0"], ["check", "--format", "x"]])
def test_wrong_usage(args):
    process = start(*args)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "Usage: archlint" in stderr


def test_a_fault_of_our_own_is_not_a_broken_contract(project, monkeypatch, capsys):
    project(contracts={"a": ["proved"]})
    monkeypatch.setattr(cli.cli, "main", lambda **_: 1 / 0)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    signal.signal(signal.SIGTERM, before)
    assert exit_.value.code == 2
    assert "bug in archlint" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("contracts", "step"),
    [
        ({"a": ["proved"]}, "archlint lock records what the models accept"),
        ({"a": ["broken"]}, "archlint explain"),
        ({"a": ["broken"], "b": ["error"]}, "docs/troubleshooting.md says"),
    ],
)
def test_the_next_command_on_a_terminal_only(project, check, contracts, step):
    project("rules.yaml", contracts=contracts)
    output, _ = on_terminal("check", "rules.yaml", env={"NO_COLOR": "1"})
    assert step in output.partition("next: ")[2]
    assert re.search(rf"^{len(contracts)} verdicts in \d+\.\d s\r?$", output, re.MULTILINE)
    result = check("rules.yaml")
    assert "next: " not in result.stdout + result.stderr
