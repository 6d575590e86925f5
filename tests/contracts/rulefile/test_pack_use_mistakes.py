"""Mistakes in packs and in their use, each at its place."""

import pytest

from archlint.contracts.rulefile import pack_location as locate
from archlint.contracts.rulefile import pack_use as use
from tests.support.pack_project import KEYS, PACK, RULES, SHIPPED, mistakes, pack_project


@pytest.fixture
def write(tmp_path, monkeypatch):
    return pack_project(tmp_path, monkeypatch)


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
