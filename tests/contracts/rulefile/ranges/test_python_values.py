"""Loops, comprehensions and f-strings in Python that declares ranges."""

import pytest

from archlint.contracts.rulefile.ranges.forms import read_profiles

ANY = (1, None, 1)
FILES = {
    "loop.py": (
        "SHAPES = {'left': ((1, 8), (2, 9), (4, 16)), 'right': ((1, 3), (2, 4), (4, 5))}\n"
        "profile = builder.create_optimization_profile()\n"
        "for name, (low, best, high) in SHAPES.items():\n"
        "    profile.set_shape(name, low, best, high)\n",
        [[(1, 4, 1), (8, 16, 1)], [(1, 4, 1), (3, 5, 1)]],
    ),
    "zipped.py": (
        "profile = Profile()\nfor i, (name, most) in enumerate(zip(['a', 'b'], (8, 16))):\n"
        "    profile.add(f'{name}_{i}', min=(1, 2), opt=(1, most // 2), max=(1, most))\n",
        [[(1, 1, 1), (2, 8, 1)], [(1, 1, 1), (2, 16, 1)]],
    ),
    "alike.py": (
        "ids = torch.zeros(2, 16, dtype=torch.long)\nt = Dim('t', max=99)\n"
        "export(m, (ids, torch.ones_like(ids)), dynamic_shapes=({1: t}, {1: t}))\n",
        [[(2, 2, 1), (1, 99, 1)], [(2, 2, 1), (1, 99, 1)]],
    ),
    "mapping.py": (
        "names = ['ids', 'mask']\n"
        "torch.onnx.export(m, (torch.zeros(1, 8), torch.zeros(1, 8)), 'm.onnx', input_names=names,"
        "\n    dynamic_axes={n: {1: 'T'} for n in names})\n",
        [[(1, 1, 1), ANY], [(1, 1, 1), ANY]],
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_what_is_followed(name, tmp_path):
    text, expected = FILES[name]
    (tmp_path / name).write_text(text)
    profile, *_ = read_profiles(tmp_path / name)
    found = [[(s.low, s.high, s.step) for s in t.spans] for t in profile.tensors]
    assert found == expected


def test_a_loop_has_a_profile_for_each_turn(tmp_path):
    """Also where the same profile is made twice: a model's file states it once."""
    text = (
        "for side in (32, 64, 32):\n    profile = builder.create_optimization_profile()\n"
        "    profile.set_shape('x', (1, side), (2, side), (4, side))\n"
    )
    (tmp_path / "build.py").write_text(text)
    found = [p.tensors[0].spans[1].low for p in read_profiles(tmp_path / "build.py")]
    assert found == [32, 64]
