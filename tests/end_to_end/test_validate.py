"""``archlint rules validate`` and ``archlint rules schema``."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

from archlint.cli.app import cli
from archlint.cli.rules_schema import schema_text
from archlint.cli.rules_validate import mistakes_in
from archlint.contracts.rulefile.load import load, loads
from archlint.contracts.rulefile.yaml_source import parse
from archlint.errors import RuleFileError
from tests import REPO
from tests.support.rulefile_cases import CASES, CONTRACT

REAL = sorted(REPO.glob("examples/**/*.archlint.yaml")) + sorted(
    REPO.glob("tests/cases/*/rules.yaml")
)
PACKS = sorted(REPO.glob("rules/**/pack.yaml"))
PACK = """\
archlint: 1
pack: photo
about: Photos.
parameters: {min: {default: 32, about: The smallest side.}}
contracts:
  - {id: size, input: N 3 H W, accepts: "any H, W >= {min}"}
"""


@pytest.fixture
def validate(tmp_path, monkeypatch):
    """``archlint rules validate`` on files with these texts."""
    monkeypatch.chdir(tmp_path)

    def run(*args, **texts):
        for name, text in texts.items():
            path = tmp_path / f"{name.replace('__', '/')}.yaml"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return CliRunner().invoke(cli, ["rules", "validate", *args])

    return run


def test_no_mistake(validate):
    result = validate(archlint=CONTRACT)
    assert (result.stdout, result.stderr, result.exit_code) == ("no errors in 1 file\n", "", 0)
    assert validate("-q").stdout == ""


def test_every_mistake_of_every_file(validate):
    wrong = CONTRACT.replace("id: a", "id: a b").replace(">= 3", "> = 3")
    result = validate(archlint=wrong, contracts__more="archlint: 1\ncontract: []\n")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == (
        "archlint.yaml:3:9: found the id 'a b'\n"
        "      - id: a b\n"
        "            ^\n"
        "    expected letters, digits, '.', '_' and '-'\n"
        "archlint.yaml:6:20: found '> ='; did you mean '>='?\n"
        "        accepts: any H > = 3\n"
        "                       ^\n"
        "contracts/more.yaml:1:1: the key 'contracts' is missing\n"
        "    archlint: 1\n"
        "    ^\n"
        "    expected contracts: with a list of contracts, or use: with packs\n"
        "contracts/more.yaml:2:1: found the unknown key 'contract'; did you mean 'contracts'?\n"
        "    contract: []\n"
        "    ^\n"
        f"    expected one of {', '.join(json.loads(schema_text())['properties'])}\n"
        "4 errors in 2 files\n"
    )


def test_packs_are_read_as_packs(validate):
    assert validate("packs", packs__photo=PACK).stdout == "no errors in 1 file\n"
    result = validate("packs", packs__photo=PACK.replace("{min}", "{mni}"))
    assert result.exit_code == 2
    assert "photo.yaml:6:" in result.stderr
    assert "1 error in 1 file\n" in result.stderr


def test_what_is_not_there(validate):
    assert validate().exit_code == 2
    result = validate("nope.yaml")
    assert result.exit_code == 2
    assert result.stderr == "Error: nope.yaml: no such file or folder\n"


def test_an_unchanged_file_is_not_read_again(validate, monkeypatch):
    validate(archlint=CONTRACT)
    os.utime("archlint.yaml", (1, 1))
    read = []
    monkeypatch.setattr(
        "archlint.contracts.rulefile.load.load", lambda path: read.append(path) or load(path)
    )
    for _ in range(2):
        assert validate().exit_code == 0
    assert len(read) == 1
    assert validate("--no-cache").exit_code == 0
    assert mistakes_in([Path("archlint.yaml")]) == []
    assert len(read) == 3
    assert validate(archlint=CONTRACT.replace("any", "all")).exit_code == 2


def test_neither_torch_nor_models_are_imported(tmp_path):
    (tmp_path / "acme.py").write_text("open('ran', 'w')")
    text = CONTRACT.replace("m:f", "[acme:f, acme.py:f]")
    (tmp_path / "archlint.yaml").write_text(text)
    code = (
        "import sys\n{}\nfrom archlint.cli.app import main\n"
        "try:\n    main()\nfinally:\n"
        "    print([m for m in ('torch', 'z3', 'acme') if m in sys.modules])"
    )

    def loaded(before=""):
        told = subprocess.run(
            [sys.executable, "-c", code.format(before), "rules", "validate", "-q", "--no-cache"],
            cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(REPO)}, capture_output=True,
            text=True, check=True,
        )  # fmt: skip
        return told.stdout

    assert loaded() == "[]\n"
    assert not (tmp_path / "ran").exists()
    assert loaded("import z3") == "['z3']\n"


@pytest.mark.slow
def test_fuzzing():
    """Of the 10,000 files of benchmarks/fuzz.py, five hundred."""
    told = subprocess.run(
        [sys.executable, "-m", "tests.support.fuzz_rules", "500", "1"],
        cwd=REPO, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert found["files"] == 500
    assert 400 < found["with mistakes"] < 500


# The schema


@pytest.fixture(scope="module")
def schema():
    found = json.loads(schema_text())
    jsonschema.Draft202012Validator.check_schema(found)
    return jsonschema.Draft202012Validator(found)


@pytest.mark.parametrize("path", REAL, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_real_rule_files_keep_to_the_schema(schema, path):
    source, _ = parse(path.read_text(), str(path))
    schema.validate(source.data)


@pytest.mark.parametrize("path", PACKS, ids=lambda p: p.parent.name)
def test_real_packs_keep_to_the_schema(path):
    source, _ = parse(path.read_text(), str(path))
    jsonschema.validate(source.data, json.loads(schema_text(pack=True)))


def test_what_the_schema_refuses_is_refused(schema):
    """All that is structure; the rest, such as the words of a phrase, needs more than a schema."""
    refused = 0
    for text in (text for text, _ in CASES if isinstance(text, str)):
        try:
            source, _ = parse(text, "<text>")
        except RuleFileError:
            continue
        if list(schema.iter_errors(source.data)):
            refused += 1
            with pytest.raises(RuleFileError):
                loads(text)
    assert refused > len(CASES) / 4


@pytest.mark.parametrize(
    "change",
    [
        ("id: a", "id: 7"), ("id: a", "ids: a"), ("models: m:f", "models: []"),
        ("models: m:f", "model: m:f"), ("archlint: 1", "archlint: 2"),
        ("input: N 3 H W", "input: {shape: N, dtype: float31}"),
        ("input: N 3 H W", "input: N 3 H W\n    mode: evil"),
        ("input: N 3 H W", "input: N 3 H W\n    samples: -1"),
        ("input: N 3 H W", "input: N 3 H W\n    budget: {second: 1}"),
    ],
)  # fmt: skip
def test_structural_mistakes_are_refused_by_the_schema_too(schema, change):
    text = CONTRACT.replace(*change)
    assert text != CONTRACT
    assert list(schema.iter_errors(parse(text, "<text>")[0].data))
    with pytest.raises(RuleFileError):
        loads(text)


def test_every_key_is_described(schema):
    def keys(part):
        yield from part.get("properties", {}).items()
        for definition in part.get("$defs", {}).values():
            yield from keys(definition)

    found = dict(keys(schema.schema))
    assert {"contracts", "accepts", "dtype", "seconds", "use"} <= found.keys()
    assert [name for name, value in found.items() if not value.get("description")] == []
    assert "title" not in found["accepts"]


def test_the_schema_goes_to_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, ["rules", "schema", "--output", "schema.json"])
    assert result.exit_code == 0
    assert "# yaml-language-server: $schema=schema.json\n" in result.stderr
    assert (tmp_path / "schema.json").read_text() == schema_text()
    printed = CliRunner().invoke(cli, ["rules", "schema", "--pack"])
    assert printed.stdout == schema_text(pack=True)
    away = CliRunner().invoke(cli, ["rules", "schema", "--output", "no/where.json"])
    assert away.exit_code == 2
    assert "no/where.json cannot be written" in away.stderr
