"""A run whose verdicts are written down, for all formats of reports."""

import shutil
from dataclasses import replace
from pathlib import Path

from click.testing import CliRunner

from archlint.cli import app as cli
from archlint.cli import check as command
from archlint.contracts import settings
from archlint.contracts.verdict import At, Proof, Samples, Verdict
from tests import REPO

DATA = REPO / "tests" / "data" / "reports"
SUFFIX = {"text": "txt", "github": "txt", "junit": "xml", "jsonl": "jsonl", "markdown": "md"}

VGG = Verdict(
    "broken",
    counterexample={"N": 1, "H": 32, "W": 32},
    confirmed=True,
    at=At("classifier.0", "Linear(25088, 4096)", "acme/vgg.py:21"),
    claim="in_features 25088 == last size 512*(H//32)*(W//32)",
    message="N=1 H=32 W=32 is refused: in_features 25088 == last size 512*(H//32)*(W//32)",
    proof=Proof(1, 14, True),
    samples=Samples(1),
    seconds=0.25,
    details={
        "contract": "accepts any H, W >= 32",
        "why": "the app sends photos of any shape",
        "fails at": "N=1 H=32 W=32   (smallest; 100%, confirmed by running)",
        "at": "classifier.0  Linear(25088, 4096)     acme/vgg.py:21",
        "needs": "512*h*w == 25088, gets 512*1*1 = 512\nh = H//32, w = W//32",
        "printed": "loading 99 layers",
    },
)
FOUND = {
    ("any-photo", "resnet"): Verdict(
        "proved", proof=Proof(1, 12, True), samples=Samples(8), seconds=0.4101
    ),
    ("any-photo", "swin"): Verdict(
        "tested",
        message="not proved: 64 paths were not enough",
        proof=Proof(64, 3, False),
        samples=Samples(8),
        seconds=2.0,
        details={"contract": "accepts any H, W >= 32", "not proved": "64 paths were not enough"},
    ),
    ("any-photo", "vgg"): VGG,
    ("any-photo", "old_vgg"): replace(
        VGG, at=At("head", "Linear(512, 10)", "/usr/lib/site-packages/nets/vgg.py:7")
    ),
    ("any-photo", "unet"): Verdict(
        "error",
        message="no module named 'acme.nets', or:\x1b[2J ::error::<it> & ]]> [link](1)",
        seconds=0.01,
    ),
    ("thumbnails", "draft"): Verdict(
        "broken",
        counterexample={"H": 1, "W": 1},
        message="H=1 W=1 is refused",
        samples=Samples(1),
        seconds=0.125,
        details={"contract": "accepts any H, W <= 16", "fails at": "H=1 W=1   (smallest)"},
    ),
    ("nothing", "resnet"): Verdict(
        "vacuous", message="no size satisfies 'any H < 1', so the contract checks nothing"
    ),
}


def run_logged(jobs, _count, _backend, _resume, stream, *_more, progress):
    verdicts = []
    if stream:
        stream.touch()
    for job in jobs:
        contract, where = job.contract, job.contract.where
        found = FOUND[contract.id, job.ref.name]
        at = found.at and replace(found.at, source=str(Path.cwd() / found.at.source))
        verdicts.append(
            replace(
                found, contract=contract.id, model=job.ref.name, file=where.file, line=where.line,
                severity=contract.severity, at=at,
            )
        )  # fmt: skip
    return verdicts


def repository_in(folder, monkeypatch):
    """A copy of the data in which git keeps the folder above the current one."""
    base = folder / "a repo"
    shutil.copytree(DATA / "contracts", base / "team" / "contracts")
    (base / ".git").mkdir()
    (base / "team" / "pyproject.toml").write_text("")
    monkeypatch.chdir(base / "team")
    monkeypatch.setenv("ARCHLINT_TODAY", "2026-12-31")
    monkeypatch.setattr(command, "run_logged", run_logged)
    monkeypatch.setattr(settings, "version", lambda: "1.2.3")
    return base


def check_in(repository):
    """What ``archlint check`` says, the repository's own place taken out of it."""

    def check(*options):
        result = CliRunner().invoke(cli.cli, ["check", *options], catch_exceptions=False)
        return result, plain(result.stdout, repository)

    return check


def plain(text, repository):
    quoted = repository.as_uri().removeprefix("file://")
    return text.replace(str(repository), "/repo").replace(quoted, "/repo")
