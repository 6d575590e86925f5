"""Shared test settings."""

import contextlib

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "ci", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.register_profile("thorough", parent=settings.get_profile("ci"))  # see support.examples
settings.load_profile("ci")


def pytest_addoption(parser):
    parser.addoption(
        "--record", action="store_true", help="write what archlint says as expected in tests/cases"
    )


@pytest.fixture(scope="session")
def copy_server():
    """The server of the processes that check copies of projects, for all tests."""
    from archlint.runner.patched_project import CopyServer

    with CopyServer() as server:
        yield server


@pytest.fixture
def one_copy_server(copy_server, monkeypatch):
    """``archlint fix`` uses the server of all tests, which needs not import PyTorch again."""
    from archlint.runner import patched_project

    shared = contextlib.nullcontext(copy_server)
    monkeypatch.setattr(patched_project, "CopyServer", lambda: shared)


collect_ignore = ["data"]  # rule files there belong to tests, some with mistakes
