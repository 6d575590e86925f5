"""Shared test settings."""

import contextlib
import os
import sys
from collections import Counter

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "ci", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.register_profile("thorough", parent=settings.get_profile("ci"))  # see support.examples
settings.load_profile("ci")

# Tests change a model's file within a second and keep its size, which Python takes for unchanged.
sys.dont_write_bytecode = True
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"


def pytest_addoption(parser):
    parser.addoption(
        "--record", action="store_true", help="write what archlint says as expected in tests/cases"
    )


def pytest_configure(config):
    if hasattr(config.option, "loadscopereorder"):  # xdist's own order: of the number of tests
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(config, items):
    """In several processes, begin with the files that take long: a short one ends the run."""
    if hasattr(config, "workerinput"):
        seconds = Counter()
        for item in items:
            seconds[item.path] += 5.0 if item.get_closest_marker("slow") else 0.1
        items.sort(key=lambda item: -seconds[item.path])


@pytest.fixture(scope="session")
def copy_server():
    """The server of the processes that check copies of projects, for all tests."""
    from archlint.runner.patched_project import CopyServer

    with CopyServer() as server:
        yield server


@pytest.fixture(scope="session")
def warm_process():
    """The process that forks commands, for all tests."""
    from tests.support.warm_process import WarmProcess

    with WarmProcess() as process:
        yield process


@pytest.fixture
def one_copy_server(copy_server, monkeypatch):
    """``archlint fix`` uses the server of all tests, which needs not import PyTorch again."""
    from archlint.runner import patched_project

    shared = contextlib.nullcontext(copy_server)
    monkeypatch.setattr(patched_project, "CopyServer", lambda: shared)


collect_ignore = ["data"]  # rule files there belong to tests, some with mistakes
