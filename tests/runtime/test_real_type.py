"""The type of an object, whatever the object says of it."""

from archlint.runtime.real_type import is_a


class Proxy:
    @property
    def __class__(self):
        raise RuntimeError("outside of a request")


class Disguise:
    __class__ = dict


def test_objects_are_not_asked():
    assert not is_a(Proxy(), dict, list)
    assert not is_a(Disguise(), dict)
    assert is_a(Proxy, type)


def test_derived_types_count():
    assert is_a(True, int)
    assert is_a([], dict, list)
    assert not is_a([], dict, tuple)
