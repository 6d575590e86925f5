"""``archlint diff --rev``: the files of a revision, and what changed since."""

import subprocess
import textwrap

import pytest
from click.testing import CliRunner

from archlint.cli.app import cli
from archlint.errors import ArchlintError
from archlint.project.revision import revision
from tests.support import in_process

POOLED = """
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.pool = nn.MaxPool2d({})

        def forward(self, x):
            return self.pool(x)
"""
RULES = """
    archlint: 1
    contracts:
      - {id: a, models: net.py:Net, input: N 3 H W, accepts: "any H, W >= 8"}
"""


def git(*arguments):
    names = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", *names, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("archlint.runner.pool.run", in_process.run)
    git("init", "-q")
    (tmp_path / "archlint.yaml").write_text(textwrap.dedent(RULES))
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "net.py").write_text(textwrap.dedent(POOLED.format(2)))
    git("add", ".")
    git("commit", "-qm", "first")
    return tmp_path


def everything(folder):
    return {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in sorted(folder.rglob("*"))
            if "__pycache__" not in p.parts}  # fmt: skip


@pytest.mark.parametrize("target", [[], ["net.py:Net"]])
def test_what_the_working_copy_changed(repository, target):
    same = CliRunner().invoke(cli, ["diff", "HEAD..", *target])
    assert (same.exit_code, same.output) == (0, "same\n")
    (repository / "net.py").write_text(textwrap.dedent(POOLED.format(4)))
    before = everything(repository)
    result = CliRunner().invoke(cli, ["diff", "--rev", "HEAD", *target])
    assert result.exit_code == 1, result.output
    assert "SHRUNK" in result.output.split()[0]
    assert "accepts H, W >= 2" in result.output
    assert "accepts H, W >= 4" in result.output
    assert "N=1 H=2 W=2 was accepted, is refused now" in " ".join(result.output.split())
    assert everything(repository) == before  # also .git


def test_a_model_that_is_new_is_listed(repository):
    (repository / "more.py").write_text(textwrap.dedent(POOLED.format(2)))
    result = CliRunner().invoke(cli, ["diff", "--rev", "HEAD", "more.py:Net"])
    assert result.exit_code == 1
    assert result.output.startswith("+ more.py:Net   N 3 H W   eval   fails at HEAD:")


def test_models_are_what_the_rule_files_of_the_revision_say(repository):
    def write(models, second):
        source = textwrap.dedent(POOLED)
        other = source.format(3).partition("class Net")[2]
        (repository / "net.py").write_text(f"{source.format(2)}\n\nclass {second}{other}")
        names = ", ".join(f"{name}: net.py:{kind}" for name, kind in models.items())
        text = textwrap.dedent(RULES).replace("net.py:Net", f"[{', '.join(models)}]")
        text = text.replace("contracts:", f"models: {{{names}}}\ncontracts:")
        (repository / "archlint.yaml").write_text(text)

    write({"one": "Net", "other": "Other"}, "Other")
    git("commit", "-qam", "second")
    write({"one": "Net", "other": "Renamed"}, "Renamed")
    renamed = CliRunner().invoke(cli, ["diff", "--rev", "HEAD"])
    assert (renamed.exit_code, renamed.output) == (0, "same\n")
    write({"one": "Renamed"}, "Renamed")
    result = CliRunner().invoke(cli, ["diff", "--rev", "HEAD"])
    words = result.output.split()
    assert (result.exit_code, words[0]) == (1, "SHRUNK")
    assert result.output.endswith("- other   N 3 H W   eval   no longer under contract\n")


def test_a_revision_whose_rule_files_cannot_be_read_is_named(repository):
    (repository / "archlint.yaml").write_text(textwrap.dedent(RULES).replace("accepts", "acepts"))
    git("commit", "-qam", "second")
    (repository / "archlint.yaml").write_text(textwrap.dedent(RULES))
    result = CliRunner().invoke(cli, ["diff", "--rev", "HEAD"])
    assert result.exit_code == 0
    assert "the rule files of HEAD cannot be read, so the models of the" in result.stderr
    assert "did you mean 'accepts'?" in result.stderr
    assert result.stdout == "same\n"


def test_what_is_no_revision(repository, tmp_path_factory):
    result = CliRunner().invoke(cli, ["diff", "--rev", "nowhere"])
    assert result.exit_code == 2
    assert "has no git revision 'nowhere': expected a branch, a tag or a commit" in result.output
    plain = tmp_path_factory.mktemp("plain")
    with pytest.raises(ArchlintError, match="not a git repository"), revision("HEAD", plain):
        pass
