"""The names of backends and their addresses."""

import pytest

from archlint.runner.backend import Backend, BackendError


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dusk", "there is no backend 'dusk'; did you mean 'dask'?"),
        ("", "there is no backend ''; expected one of local, loky, dask, ray"),
        ("loky:tcp://x:1", "the backend loky takes no address, found 'tcp://x:1'"),
        ("dask:", "expected an address after 'dask:', as in dask:tcp://127.0.0.1:8786"),
    ],
)
def test_a_backend_that_is_none(text, message):
    with pytest.raises(BackendError) as e:
        Backend.of(text)
    assert str(e.value) == message


def test_a_backend_with_its_address():
    assert Backend.of("dask:tcp://10.0.0.1:8786") == Backend("dask", "tcp://10.0.0.1:8786")
    assert Backend.of("ray") == Backend("ray", None)
