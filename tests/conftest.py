"""Shared test settings."""

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


collect_ignore = ["data"]  # rule files there belong to tests, some with mistakes
