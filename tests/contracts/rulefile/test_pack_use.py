"""Packs: how rule files use them, what their parameters become, and every mistake at its place."""

import subprocess
import sys
from pathlib import Path

import pytest

from archlint.contracts.rulefile import pack_location as locate
from archlint.contracts.rulefile import pack_use as use
from archlint.contracts.rulefile.load import load
from archlint.contracts.settings import rule_files
from archlint.errors import RuleFileError

PACK = """\
archlint: 1
pack: photo
about: Photos of any shape.
parameters:
  classes: {about: how many classes}
  min: {about: the smallest side, default: 32}
  shape: {about: what it is called with, type: shape, default: N 3 H W}
contracts:
  - id: any-size
    input: "{shape}"
    accepts: any H, W >= {min}
    output: N {classes}
  - id: tiny
    input: "{shape}"
    rejects: any H < {min}//4
examples:
  - keeps: m.py:Good
    with: {classes: 10}
"""

SHIPPED = ", ".join(locate.files_in(locate.installed()["archlint"]))
KEYS = "one of id, why, models, input, accepts"

RULES = """\
archlint: 1
models: {good: m.py:Good, bad: m.py:Bad}
use:
  - pack: ./photo.yaml
    models: ["*"]
    with: {classes: 10}
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write files into the current folder, which is new; the pack ``photo.yaml`` is there."""
    monkeypatch.chdir(tmp_path)

    def write(text, name="rules.yaml"):
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    write(PACK, "photo.yaml")
    return write


@pytest.fixture
def install(write, tmp_path, monkeypatch):
    """Install a distribution that offers a folder of packs, as ``pip install`` would."""
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    locate._installed.cache_clear()

    def install(owner, module, packs):
        info = f"site/{owner}-1.dist-info"
        write(f"Metadata-Version: 2.1\nName: {owner}\nVersion: 1\n", f"{info}/METADATA")
        write(f"[archlint.packs]\n{owner} = {module}\n", f"{info}/entry_points.txt")
        folder = "site/" + module.replace(".", "/")
        write("raise RuntimeError('imported')\n", f"{folder.split('/')[0]}/../boom/__init__.py")
        for part in (Path(folder), *Path(folder).parents):
            if part.name not in ("site", ""):
                write("raise RuntimeError('imported')\n", f"{part}/__init__.py")
        for name, text in packs.items():
            write(text, f"{folder}/{name}")

    yield install
    locate._installed.cache_clear()


def mistakes(path):
    with pytest.raises(RuleFileError) as caught:
        load(path)
    return [
        (Path(m.where.file).name, m.where.line, m.where.column, m.found, m.expected)
        for m in caught.value.mistakes
    ]


# What a use becomes


def test_parameters_are_filled_in(write):
    first, second = load(write(RULES)).contracts
    assert (first.id, first.pack) == ("any-size", "photo")
    assert [ref.name for ref in first.models] == ["good", "bad"]
    assert first.clause.text == "any H, W >= 32"
    assert first.output.text == "N 10"
    assert first.input.text == "N 3 H W"
    assert (first.where.file, first.where.line) == ("rules.yaml", 4)
    assert (second.id, second.clause.text) == ("tiny", "any H < 32//4")


def test_a_parameter_alone_is_the_value_itself(write):
    with_ = "{classes: 10, shape: {image: N 3 H W, mask: [N 1 H W, {shape: N, dtype: int64}]}}"
    contract = load(write(RULES.replace("{classes: 10}", with_))).contracts[0]
    assert contract.input["image"].text == "N 3 H W"
    assert [part.dtype for part in contract.input["mask"]] == ["float32", "int64"]


def test_braces_that_are_a_set_stay_one(write):
    text = PACK.replace("any H, W >= {min}", "any H in {{min}, 64} and W in { H }")
    write(text, "photo.yaml")
    assert load(write(RULES)).contracts[0].clause.text == "any H in {32, 64} and W in { H }"


def test_own_contracts_come_first(write):
    own = "contracts:\n  - {id: mine, models: good, input: N, accepts: any size}\n"
    assert [c.id for c in load(write(RULES + own)).contracts] == ["mine", "any-size", "tiny"]


def test_two_uses_of_a_pack(write):
    more = "  - {pack: ./photo.yaml, models: [good], as: big, with: {classes: 10, min: 64}}\n"
    found = load(write(RULES + more)).contracts
    assert [c.id for c in found] == ["any-size", "tiny", "big.any-size", "big.tiny"]
    assert found[2].clause.text == "any H, W >= 64"


def test_the_files_of_packs_are_known(write):
    write(PACK.replace("pack: photo", "pack: other") + "extends: ./photo.yaml\n", "other.yaml")
    rules = load(write(RULES.replace("./photo.yaml", "./other.yaml")))
    assert [p.name for p in rules.packs] == ["other.yaml", "photo.yaml"]


def test_extends(write):
    child = """\
archlint: 1
pack: strict
about: Photos, strictly.
extends: ./photo.yaml
parameters: {min: {about: the smallest side, default: 8}, side: {about: a side, default: 224}}
contracts:
  - {id: tiny, input: N 3 H W, rejects: "any H < {min}"}
  - {id: large, input: N 3 H W, accepts: "any H == {side} and W >= {min}"}
"""
    write(child, "packs/strict.yaml")
    write(PACK, "packs/photo.yaml")
    found = load(write(RULES.replace("./photo.yaml", "./packs/strict.yaml"))).contracts
    assert [(c.id, c.clause.text) for c in found] == [
        ("any-size", "any H, W >= 8"),
        ("tiny", "any H < 8"),
        ("large", "any H == 224 and W >= 8"),
    ]


def test_installed_packs_are_found_and_not_imported(write, install):
    install("acme", "acme_packs.vision", {"photo/pack.yaml": PACK})
    found = load(write(RULES.replace("./photo.yaml", "acme/photo"))).contracts
    assert {c.pack for c in found} == {"acme/photo"}
    assert "acme_packs" not in sys.modules


def test_a_folder_of_rule_files_may_have_packs_in_it(write):
    write(RULES, "contracts/rules.yaml")
    write(PACK, "contracts/photo.yaml")
    assert [f.name for f in rule_files(["contracts"])] == ["rules.yaml"]


def test_reading_needs_no_torch(write):
    write(RULES.replace("./photo.yaml", "archlint/any-size-classifier"))
    code = (
        "import sys; from archlint.contracts.rulefile.load import load; load('rules.yaml');"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


# Mistakes


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "{classes: 10}", "{clases: 10}",
            [
                (4, 5, "the parameter 'classes' has no value",
                 "with: {classes: …} (how many classes)"),
                (6, 12, "found the unknown parameter 'clases'; did you mean 'classes'?",
                 "one of classes, min, shape"),
            ],
        ),
        (
            "{classes: 10}", "{classes: ten}",
            [(6, 21, "found the text 'ten'", "a whole number, at least 0")],
        ),
        ("{classes: 10}", "{classes: -1}",
         [(6, 21, "found the number -1", "a whole number, at least 0")]),
        ("{classes: 10}", "{classes: true}", [(6, 21, "found true", "a whole number, at least 0")]),
        ("{classes: 10}", "10", [
            (4, 5, "the parameter 'classes' has no value",
             "with: {classes: …} (how many classes)"),
            (6, 11, "found the number 10", "a mapping"),
        ]),
        ("./photo.yaml", "photo",
         [(4, 11, "found the pack 'photo'",
           "owner/name of an installed pack, or a path such as ./packs/photo.yaml")]),
        ("./photo.yaml", "./phot.yaml",
         [(4, 11, "found './phot.yaml', but the file phot.yaml does not exist",
           "the path of a pack")]),
        ("./photo.yaml", "acme/photo",
         [(4, 11, "found the pack 'acme/photo', but no package provides packs of 'acme'",
           f"a pack of {' or '.join(locate.installed())}")]),
        ("./photo.yaml", "archlint/any-size-clasifier",
         [(4, 11, "found the pack 'any-size-clasifier', which 'archlint' does not provide; "
           "did you mean 'any-size-classifier'?",
           f"one of {SHIPPED}")]),
        ("\"*\"", "god", [(5, 14, "found 'god', which is not a model; did you mean 'good'?",
                           "a name, a glob or a target")]),
        ("with:", "wit:", [
            (4, 5, "the parameter 'classes' has no value",
             "with: {classes: …} (how many classes)"),
            (6, 5, "found the unknown key 'wit'; did you mean 'with'?",
             "one of pack, models, with, as, overrides")]),
        ("    with:", "    as: a b\n    with:",
         [(6, 9, "found the name 'a b'", "letters, digits, '.', '_' and '-'")]),
    ],
)  # fmt: skip
def test_mistakes_in_a_use(write, old, new, expected):
    found = mistakes(write(RULES.replace(old, new)))
    assert found == [("rules.yaml", *each) for each in expected]


def test_what_a_value_makes_wrong_is_told_where_the_value_is(write):
    text = PACK.replace("default: 32}", "default: 32, type: text}")
    write(text, "photo.yaml")
    found = mistakes(write(RULES.replace("{classes: 10}", "{classes: 10, min: 3 +}")))
    assert found[0] == (
        "rules.yaml", 6, 30,
        "found the end in 'any H, W >= 3 +', a text of the pack photo (photo.yaml:11)",
        "a size or a name",
    )  # fmt: skip


def test_what_a_pack_has_wrong_is_told_in_the_pack(write):
    write(PACK.replace("N {classes}", "N {classes} Z"), "photo.yaml")
    assert mistakes(write(RULES)) == [
        ("photo.yaml", 12, 13, "found 'Z', which is not a size of the input in 'N 10 Z'",
         "one of H, N, W"),
    ]  # fmt: skip
    write(PACK.replace("any H, W >= {min}", "any H, V >= 3"), "photo.yaml")
    assert mistakes(write(RULES)) == [
        ("photo.yaml", 11, 21, "found 'V', which is not a size of the input", "one of H, N, W")
    ]
    write(PACK.replace("any H, W >= {min}", "any H, V >= {min}"), "photo.yaml")
    assert mistakes(write(RULES)) == [
        ("photo.yaml", 11, 14, "found 'V', which is not a size of the input in 'any H, V >= 32'",
         "one of H, N, W")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (">= {min}", ">= {mim}",
         [(11, 26, "found {mim}, which is not a parameter; did you mean 'min'?",
           "one of {classes}, {min}, {shape}, or { mim } with spaces for a set of one size")]),
        ('input: "{shape}"\n    accepts', 'input: N {shape}\n    accepts',
         [(10, 14, "found {shape} inside a longer text",
           "{shape} as the whole text, because shape is a shape")]),
        ('input: "{shape}"\n    accepts', 'input: {shape}\n    accepts',
         [(10, 12, "found a mapping with the key 'shape' alone",
           "'{shape}' in quotes, because YAML reads it as a mapping")]),
        ("default: 32", "default: [3]",
         [(11, 26, "found {min} inside a longer text",
           "{min} as the whole text, because min is a shape"),
          (15, 22, "found {min} inside a longer text",
            "{min} as the whole text, because min is a shape")]),
        ("default: 32", "default: [3], type: number",
         [(6, 44, "found a list as the default of a number parameter",
           "a whole number, at least 0")]),
        ("default: 32", "default: 32, type: int",
         [(6, 54, "found the text 'int'", "one of number, text, shape")]),
        ("about: the smallest side, ", "", [(6, 8, "the key 'about' is missing",
                                            "about: with a description")]),
        ("  min:", "  1min:", [
            (6, 3, "found the parameter name '1min'",
             "a letter or '_', then letters, digits and '_'"),
            (11, 26, "found {min}, which is not a parameter",
             "one of {classes}, {shape}, or { min } with spaces for a set of one size"),
            (15, 22, "found {min}, which is not a parameter",
             "one of {classes}, {shape}, or { min } with spaces for a set of one size")]),
        ("id: tiny", "id: any-size", [(13, 9, "found the id 'any-size' again", "each id once")]),
        ("- id: tiny\n    input", "- input",
         [(13, 5, "the key 'id' is missing", "id: with a name")]),
        ("- id: tiny", "- id: a b", [(13, 9, "found the id 'a b'",
                                     "letters, digits, '.', '_' and '-'")]),
        ("- id: tiny", "- id: tiny\n    models: x",
         [(14, 5, "found models in a pack",
           "no models: the rule file that uses the pack names them")]),
        ("pack: photo", "pack: photo/x",
         [(2, 7, "found the name 'photo/x'", "letters, digits, '.', '_' and '-'")]),
        ("examples:", "example:",
         [(16, 1, "found the unknown key 'example'; did you mean 'examples'?",
           "one of archlint, pack, about, extends, parameters, contracts, examples")]),
        ("about: Photos", "extends: ./photo.yaml\nabout: Photos",
         [(3, 10, "found './photo.yaml', which extends this pack", "another pack")]),
        ("about: Photos", "extends: ./none.yaml\nabout: Photos",
         [(3, 10, "found './none.yaml', but the file none.yaml does not exist",
           "the path of a pack")]),
        ("  - keeps: m.py:Good\n    with: {classes: 10}", "  - keeps: m.py:Good",
         [(17, 5, "the parameter 'classes' has no value",
           "with: {classes: …} (how many classes)")]),
        ("keeps: m.py:Good", "args: []",
         [(17, 5, "found an example with neither keeps nor breaks",
           "exactly one of them, with a target")]),
        ("keeps: m.py:Good", "breaks: m.py:Good", [
            (17, 5, "the key 'contract' is missing",
             "contract: with one of any-size, tiny"),
            (17, 5, "the key 'at' is missing", "at: with the smallest failing sizes")]),
        ("keeps: m.py:Good", "breaks: m.py:Good\n    contract: tine\n    at: {N: 1}",
         [(18, 15, "found 'tine', which is not a contract of the pack", "one of any-size, tiny")]),
    ],
)  # fmt: skip
def test_mistakes_in_a_pack(write, old, new, expected):
    assert old in PACK
    write(PACK.replace(old, new, 1), "photo.yaml")
    first, *found = mistakes(write(RULES))
    assert first == ("rules.yaml", 4, 11, "found './photo.yaml', a pack with mistakes", "")
    assert found == [("photo.yaml", *each) for each in expected]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("accepts: any H, W", "acepts: any H, W",
         [(9, 5, "found a contract that checks nothing", "accepts, rejects, structure or costs"),
          (11, 5, "found the unknown key 'acepts'; did you mean 'accepts'?", KEYS)]),
        ("output: N {classes}", "output: 3.5",
         [(12, 13, "found the number 3.5", "a shape such as 'N 3 H W', a list or a mapping")]),
        ("output: N {classes}", "samples: '{min}'\n    budget: {paths: '{shape}'}",
         [(13, 21, "found the text 'N 3 H W' in 'N 3 H W'", "a whole number")]),
    ],
)  # fmt: skip
def test_mistakes_in_the_structure_of_a_contract_of_a_pack(write, old, new, expected):
    write(PACK.replace(old, new, 1), "photo.yaml")
    found = mistakes(write(RULES))
    assert [each[:4] for each in found] == [("photo.yaml", *each[:3]) for each in expected]
    assert all(want[3] in each[4] for each, want in zip(found, expected, strict=True))


def test_packs_that_extend_one_another_in_a_ring(write):
    for name, other in (("a", "b"), ("b", "c"), ("c", "a")):
        text = PACK.replace("pack: photo", f"pack: {name}\nextends: ./{other}.yaml")
        write(text, f"{name}.yaml")
    assert mistakes(write(RULES.replace("photo", "a")))[1:] == [
        ("c.yaml", 3, 10, "found './a.yaml', which extends this pack", "another pack")
    ]


def test_packs_that_extend_one_another_too_far(write):
    for i in range(12):
        text = PACK.replace("pack: photo", f"pack: p{i}\nextends: ./p{i + 1}.yaml")
        write(text, f"p{i}.yaml")
    assert mistakes(write(RULES.replace("photo", "p0")))[1:] == [
        (
            "p8.yaml",
            3,
            10,
            "found a chain of more than 8 packs that extend one another",
            "at most 8",
        )
    ]


def test_a_pack_is_no_rule_file(write):
    assert mistakes(write(PACK)) == [
        ("rules.yaml", 2, 1, "found a pack", "a rule file, which lists the pack under use:")
    ]


def test_one_contract_twice_for_one_model(write):
    more = "  - {pack: ./photo.yaml, models: [good], with: {classes: 10}}\n"
    assert mistakes(write(RULES + more)) == [
        ("rules.yaml", 7, 5,
         f"found the contract {name!r} for 'good' again; the first is on line 4",
         "as: with a prefix for one of them")
        for name in ("any-size", "tiny")
    ]  # fmt: skip


def test_packs_unfold_to_a_bounded_number_of_contracts(write, monkeypatch):
    monkeypatch.setattr(use, "MAX_CONTRACTS", 3)
    more = "  - {pack: ./photo.yaml, models: [good], as: b, with: {classes: 10}}\n"
    found = ("found packs with too many contracts",
             "at most 3 contracts with 4,000,000 characters in all")  # fmt: skip
    assert mistakes(write(RULES + more)) == [("rules.yaml", 7, 5, *found)]


def test_packs_unfold_to_a_bounded_length(write, monkeypatch):
    monkeypatch.setattr(use, "MAX_LENGTH", 50)
    assert mistakes(write(RULES))[0][1:4] == (4, 5, "found packs with too many contracts")


def test_the_name_of_an_installed_pack_is_that_of_its_file(write, install):
    install("acme", "acme_packs", {"image.yaml": PACK})
    assert mistakes(write(RULES.replace("./photo.yaml", "acme/image")))[1:] == [
        ("image.yaml", 2, 7, "found the name 'photo'", "'image', the name of the file")
    ]


NONSENSE = (
    "use: 3", "use: [3]", "use: []", "use: [{}]", "use:\n  - pack: 3", "overrides: [3, {}]",
    "use: [{pack: ./photo.yaml, models: {}, overrides: 3, as: 3}]",
    "use: [{pack: ../.., models: x}]", "use: [{pack: /, models: x}]",
    "use: [{pack: a/../b, models: x}]",
)  # fmt: skip
NONSENSE_IN_A_PACK = (
    "", "3", "pack:", "pack: x\ncontracts: 3", "pack: 3\nextends: 3",
    "pack: x\nparameters: {a: 3, b: {}}\ncontracts: [3, {}]",
    "pack: x\nexamples: [3, {}, {keeps: 3}, {breaks: x, at: 3}]",
    "pack: x\ncontracts: [{id: x, input: {}, accepts: 3}]",
)  # fmt: skip


@pytest.mark.parametrize("text", NONSENSE)
def test_nonsense_is_a_mistake(write, text):
    assert mistakes(write(f"archlint: 1\n{text}\n"))


@pytest.mark.parametrize("text", NONSENSE_IN_A_PACK)
def test_nonsense_in_a_pack_is_a_mistake(write, text):
    write(text, "photo.yaml")
    assert mistakes(write(RULES))
