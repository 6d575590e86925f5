"""How many random examples a test runs."""

from hypothesis import settings

THOROUGH = 10
"""Times as many with ``pytest --hypothesis-profile=thorough``."""


def examples(count: int) -> settings:
    """The decorator for ``count`` examples, or ten times as many in the profile ``thorough``."""
    thorough = settings.get_current_profile_name() == "thorough"
    return settings(max_examples=count * (THOROUGH if thorough else 1))
