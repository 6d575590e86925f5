"""What the reports look like, letter by letter."""

import json as stdlib_json
from dataclasses import replace
from textwrap import dedent

from archlint.contracts.verdict import At, Proof, Samples, Verdict
from archlint.errors import Location, Mistake
from archlint.report import json_report as json
from archlint.report import text_report as text

PROVED = Verdict(
    "proved",
    contract="any-photo",
    model="resnet18",
    file="contracts/backbone.yaml",
    line=9,
    proof=Proof(1, 12, True),
    samples=Samples(8),
    seconds=0.4101,
    details={"contract": "accepts any N >= 1 and H, W >= 32", "printed": "hello"},
)
TESTED = Verdict(
    "tested",
    contract="grid",
    model="unet",
    file="contracts/unet.yaml",
    line=4,
    proof=Proof(64, 3, False),
    samples=Samples(1),
    seconds=2.0,
    details={
        "contract": "accepts any H >= 16",
        "not proved": "H >= 4097\n64 paths were not enough",
    },
)
BROKEN = Verdict(
    "broken",
    contract="any-photo",
    model="vgg16_flat",
    file="contracts/backbone.yaml",
    line=9,
    counterexample={"N": 1, "H": 32, "W": 32},
    confirmed=True,
    at=At("classifier.0", "Linear(25088, 4096)", "acme/vgg.py:41"),
    claim="512*h*w == 25088",
    message="needs 512*h*w == 25088, gets 512",
    proof=Proof(1, 14, True),
    samples=Samples(1),
    seconds=0.25,
    details={
        "contract": "accepts any N >= 1 and H, W >= 32",
        "fails at": "N=1 H=32 W=32   (smallest; confirmed by running)",
        "at": "classifier.0  Linear(25088, 4096)   acme/vgg.py:41",
        "needs": "512*h*w == 25088, gets 512*1*1 = 512\nh = H//32, w = W//32",
        "fix": "AdaptiveAvgPool2d((7, 7)) before the flatten",
    },
)
ERROR = Verdict("error", contract="odd", model="m", file="a.yaml", line=2, message="no such module")

BROKEN_TEXT = """\
contracts/backbone.yaml:9  BROKEN  any-photo · vgg16_flat
  contract   accepts any N >= 1 and H, W >= 32
  fails at   N=1 H=32 W=32   (smallest; confirmed by running)
  at         classifier.0  Linear(25088, 4096)   acme/vgg.py:41
  needs      512*h*w == 25088, gets 512*1*1 = 512
             h = H//32, w = W//32
  fix        AdaptiveAvgPool2d((7, 7)) before the flatten
"""


def test_the_whole_report():
    assert text.render([PROVED, BROKEN, TESTED, ERROR]) == (
        "proved  any-photo · resnet18   (1 path, 12 claims, 8 samples on cpu, 0.41 s)\n"
        "\n"
        + BROKEN_TEXT
        + "\n"
        + dedent("""\
            tested  grid · unet   (64 paths, 3 claims, 1 sample on cpu, 2.00 s)
              contract    accepts any H >= 16
              not proved  H >= 4097
                          64 paths were not enough

            a.yaml:2  ERROR  odd · m
              reason     no such module

            1 proved, 1 tested, 1 broken, 1 error
            """)
    )


def test_quiet_shows_only_what_did_not_hold():
    assert text.render([PROVED, BROKEN, TESTED], -1) == (
        BROKEN_TEXT + "\n1 proved, 1 tested, 1 broken\n"
    )
    assert text.render([PROVED], -1) == "1 proved\n"


def test_quiet_under_strict_shows_what_was_only_tested():
    assert "not proved" in text.render([TESTED], -1, strict=True)


def test_held_contracts_stand_close_together():
    assert text.render([PROVED, replace(PROVED, samples=Samples(0))]).splitlines() == [
        "proved  any-photo · resnet18   (1 path, 12 claims, 8 samples on cpu, 0.41 s)",
        "proved  any-photo · resnet18   (1 path, 12 claims, no samples, 0.41 s)",
        "",
        "2 proved",
    ]


def test_verbose_explains_a_proof_and_very_verbose_shows_what_was_printed():
    assert "  contract   " not in text.render([PROVED])
    assert "  contract   accepts any N" in text.render([PROVED], 1)
    assert "hello" not in text.render([PROVED], 1)
    assert "  printed    hello" in text.render([PROVED], 2)


def test_an_error_always_shows_what_was_printed():
    shown = text.render([replace(ERROR, details={"printed": "last words"})])
    assert "  reason     no such module\n  printed    last words\n" in shown


def test_color_adds_only_escapes():
    plain = text.render([PROVED, BROKEN, TESTED, ERROR])
    colored = text.render([PROVED, BROKEN, TESTED, ERROR], color=True)
    assert "\x1b[31m\x1b[1mBROKEN\x1b[0m" in colored
    assert "\x1b" not in plain
    for code in ("0", "1", "2", "31", "32", "33"):
        colored = colored.replace(f"\x1b[{code}m", "")
    # A label is painted with its padding, which a plain line may not end with.
    assert [line.rstrip() for line in colored.splitlines()] == plain.splitlines()


def test_long_lines_wrap_under_their_text_on_a_terminal_only():
    because = "image → " + " → ".join(f"layer{i}" for i in range(12))
    long = replace(BROKEN, details={"because": because})
    assert f"  because    {because}\n" in text.render([long])
    wrapped = text.render([long], width=60).splitlines()[1:-2]
    assert all(len(line) <= 60 for line in wrapped)
    assert all(line.startswith(" " * 13 + "layer") or "because" in line for line in wrapped)
    assert " ".join(" ".join(wrapped).split()) == f"because {because}"


def test_control_characters_are_spelled_out():
    shown = text.render([replace(ERROR, message="\x1b[2Jgone\x07\ttab\r\nline")])
    assert "\\x1b[2Jgone\\x07" in shown
    assert "\x1b" not in shown
    assert "\r" not in shown


def test_a_verdict_without_a_rule_file():
    assert text.render([Verdict("broken", message="no")]) == (
        "BROKEN\n  reason     no\n\n1 broken\n"
    )


def test_json_has_a_source_relative_to_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    at = replace(BROKEN.at, source=f"{tmp_path}/acme/vgg.py:41")
    document = stdlib_json.loads(json.render([replace(BROKEN, at=at)], [], "0.1.0"))
    assert document["verdicts"][0]["at"]["source"] == "acme/vgg.py:41"


def test_nothing():
    assert text.render([]) == "nothing was checked\n"


MISTAKE = Mistake(Location("b.yaml", 3, 5), "unknown key 'acepts'", "accepts", "    acepts: any")


def test_json():
    rendered = json.render([BROKEN, PROVED], [MISTAKE], "0.1.0")
    assert stdlib_json.loads(rendered) == {
        "archlint": "0.1.0",
        "verdicts": [
            {
                "contract": "any-photo",
                "model": "vgg16_flat",
                "verdict": "broken",
                "file": "contracts/backbone.yaml",
                "line": 9,
                "counterexample": {"N": 1, "H": 32, "W": 32},
                "confirmed": True,
                "at": {
                    "module": "classifier.0",
                    "op": "Linear(25088, 4096)",
                    "source": "acme/vgg.py:41",
                },
                "claim": "512*h*w == 25088",
                "message": "needs 512*h*w == 25088, gets 512",
                "proof": {"paths": 1, "claims": 14, "covered": True},
                "samples": {"run": 1, "device": "cpu"},
                "seconds": 0.25,
                "severity": "error",
                "waived": None,
                "note": "",
                "contract_text": "accepts any N >= 1 and H, W >= 32",
                "why": None,
                "needs": "512*h*w == 25088, gets 512*1*1 = 512\nh = H//32, w = W//32",
                "because": None,
                "blame": None,
                "accepts": None,
                "fix": "AdaptiveAvgPool2d((7, 7)) before the flatten",
                "cached": False,
            },
            {
                "contract": "any-photo",
                "model": "resnet18",
                "verdict": "proved",
                "file": "contracts/backbone.yaml",
                "line": 9,
                "counterexample": None,
                "confirmed": None,
                "at": None,
                "claim": None,
                "message": "",
                "proof": {"paths": 1, "claims": 12, "covered": True},
                "samples": {"run": 8, "device": "cpu"},
                "seconds": 0.4101,
                "severity": "error",
                "waived": None,
                "note": "",
                "contract_text": "accepts any N >= 1 and H, W >= 32",
                "why": None,
                "needs": None,
                "because": None,
                "blame": None,
                "accepts": None,
                "fix": None,
                "cached": False,
            },
        ],
        "summary": {"proved": 1, "tested": 0, "vacuous": 0, "broken": 1, "error": 0},
        "errors": [
            {
                "file": "b.yaml",
                "line": 3,
                "column": 5,
                "found": "unknown key 'acepts'",
                "expected": "accepts",
            }
        ],
    }


def test_json_keys_keep_their_order():
    document = stdlib_json.loads(json.render([BROKEN], [MISTAKE], "0.1.0"))
    assert list(document) == ["archlint", "verdicts", "summary", "errors"]
    assert list(document["verdicts"][0]) == [
        "contract", "model", "verdict", "file", "line", "counterexample", "confirmed", "at",
        "claim", "message", "proof", "samples", "seconds", "severity", "waived", "note",
        "contract_text", "why", "needs", "because", "blame", "accepts", "fix", "cached",
    ]  # fmt: skip
    assert list(document["errors"][0]) == ["file", "line", "column", "found", "expected"]


def test_json_is_the_same_in_every_locale():
    assert json.render([replace(BROKEN, message="H×W")], [], "0.1.0").isascii()
