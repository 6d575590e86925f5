"""Values of variables, as the shell, Make and the others find them."""

import pytest

from archlint.contracts.rulefile.ranges.script_variables import Variables, unset_variable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=8\n@$A", "8"),
        ("A=8\n@${A}x3", "8x3"),
        ("A='8 9'\n@$A", "8 9"),
        ("A=8\nA=9\n@$A", "9"),
        ("A=8\n@$A\nA=9", "8"),
        ("@$(A)\nA := 9", "9"),
        ("A ?= 8\n@$(A)", "8"),
        ("export A=8\n@${A:-3}", "8"),
        ("@${A:-3}", "3"),
        ("@${A:=3}", "3"),
        ("A=${A:-3}\n@$A", "3"),
        ("B=2\nA=${B}x3\n@$A", "2x3"),
        ("A=$A\n@$A", "$A"),
        ("A=$B\nB=$A\n@$A", "$A"),
        ("A=$((2 * 4 + 1))\n@$A", "9"),
        ("B=4\n@$((B * 2))", "8"),
        ("@$((C * 2))", "$((C * 2))"),
        ("B=4\n@$(($B * 2 / 3))", "2"),
        ("@$((1 / 0))", "$((1 / 0))"),
        ("set A=8\n@%A%", "8"),
        ("$A = 8\n@$A", "8"),
        ("ENV A 8\n@$A", "8"),
        ("set(A 8)\n@${A}", "8"),
        ("env:\n  A: 8\n@${{ env.A }}", "8"),
        ("a: int = 8  # sizes\n@{a}", "8"),
        ("A=8 trtexec @$A", "8"),
        ("--A=8 @$A", "$A"),
        ("@$1x3", "$1x3"),
        ("@$${A}x3\nA=8", "8x3"),
        ("p.add_argument('-s', '--max-size', type=int, default=8)\n@{args.max_size}", "8"),
        ("@click.option('--size', default=8)\nx@{options.size}", "8"),
        ("p.add_argument('--size', help='(in pixels)', default=8)\ns = f'3x{a.size}'\n@{s}", "3x8"),
        (
            "p.add_argument('--size', required=True)\np.add_argument('--b', default=3)\n@{a.size}",
            "{a.size}",
        ),
    ],
)
def test_the_value_where_it_is_used(text, expected):
    position = text.rindex("@")
    used = text[position + 1 :].partition("\n")[0]
    assert Variables(text).expanded(used, position) == expected
    assert bool(unset_variable(expected)) == (
        ("$" in expected and "((" not in expected) or "{" in expected
    )
