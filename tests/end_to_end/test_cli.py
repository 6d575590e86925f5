"""The command line: what is decided, what is said, and the exit code."""

import json
import re
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner

from archlint.cli import app as cli
from archlint.contracts import settings
from tests.support.cli_project import check_in_process, ids, on_terminal, project_in, write_several


@pytest.fixture
def project(tmp_path, monkeypatch):
    return project_in(tmp_path, monkeypatch)


@pytest.fixture
def check(project, monkeypatch):
    return check_in_process(monkeypatch)


@pytest.fixture
def several(project):
    write_several(project)


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
    assert re.search(rf"^{len(contracts)} verdicts? in \d+\.\d s\r?$", output, re.MULTILINE)
    result = check("rules.yaml")
    assert "next: " not in result.stdout + result.stderr


@pytest.mark.parametrize(
    ("argument", "hint"),
    [
        (("lock", "--modle", "x"), "Did you mean '--model'?"),
        (("check", "--no-samples"), "--no-sample"),
        (("init", "--model", "x"), None),  # nothing is like it, least of all --help
    ],
)
def test_only_an_option_that_is_like_it_is_suggested(argument, hint):
    result = CliRunner().invoke(cli.cli, argument)
    assert result.exit_code == 2
    _, _, rest = result.output.partition("No such option")
    assert hint in rest if hint else "Did you mean" not in rest
