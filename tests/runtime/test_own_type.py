"""The type of an object, whatever the object says of it."""

import pytest

from archlint.runtime.own_type import is_a


class Proxy:
    @property
    def __class__(self):
        raise RuntimeError("outside of a request")


class Disguise:
    __class__ = dict


@pytest.mark.parametrize(
    ("value", "kinds", "result"),
    [
        (Proxy(), (dict, list), False),
        (Disguise(), (dict,), False),
        (True, (int,), True),
        ([], (dict, list), True),
        (Proxy, (type,), True),
    ],
)
def test_objects_are_not_asked(value, kinds, result):
    assert is_a(value, *kinds) is result
