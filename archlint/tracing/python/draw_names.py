"""The functions whose results are random or read from a clock, and what answers them."""

from __future__ import annotations

import datetime
import sys
from functools import lru_cache
from types import BuiltinFunctionType, FunctionType
from typing import Any

from archlint.runtime.outside_watch import unwatched

_NAMES: dict[str, dict[str, str]] = {
    "random": {
        "fraction": "random",
        "number": "uniform triangular betavariate expovariate gammavariate gauss lognormvariate "
        "normalvariate paretovariate vonmisesvariate weibullvariate",
        "inclusive": "randint",
        "below": "randrange",
        "bits": "getrandbits",
        "choice": "choice",
        "other": "choices sample shuffle randbytes",
        "generator": "Random SystemRandom",
    },
    "numpy.random": {
        "fraction": "rand random random_sample ranf sample",
        "number": "randn uniform normal beta chisquare exponential f gamma gumbel laplace logistic "
        "lognormal noncentral_chisquare noncentral_f pareto power rayleigh standard_cauchy "
        "standard_exponential standard_gamma standard_normal standard_t triangular vonmises wald "
        "weibull",
        "below": "randint",
        "choice": "choice",
        "other": "bytes binomial dirichlet geometric hypergeometric logseries multinomial "
        "multivariate_normal negative_binomial permutation poisson random_integers shuffle zipf",
        "generator": "default_rng RandomState",
    },
    "secrets": {
        "below": "randbelow",
        "bits": "randbits",
        "choice": "choice",
        "other": "token_bytes token_hex token_urlsafe",
        "generator": "SystemRandom",
    },
    "time": {
        "number": "time monotonic perf_counter process_time thread_time clock_gettime",
        "count": "time_ns monotonic_ns perf_counter_ns process_time_ns thread_time_ns "
        "clock_gettime_ns",
        "current": "localtime gmtime ctime strftime",
    },
    "timeit": {"number": "default_timer"},
    "os": {"other": "urandom getrandom times getloadavg"},
    "resource": {"other": "getrusage"},
    "gc": {"other": "get_count get_stats"},
    "uuid": {"other": "uuid1 uuid4"},
}
BY_ANSWER = {
    module: {answer: names.split() for answer, names in answers.items()}
    for module, answers in _NAMES.items()
}
"""By module: which method of :class:`_Draws` answers which functions."""

DATES = {datetime.datetime: ("now", "utcnow", "today"), datetime.date: ("today",)}
"""The methods of classes that read the clock."""

_IN_C = ("time", "os", "resource", "gc")


def held_source(value: Any) -> str | None:
    """The name of a function in C, or of one that calls it, that reads a clock or entropy.

    Whoever holds it calls it without a name that a replacement could have.
    """
    value = unwatched(value)
    kind = type(value)
    if kind is type and value in DATES:
        return f"datetime.{value.__name__}"
    if kind is BuiltinFunctionType:
        for owner, names in DATES.items():
            if value.__self__ is owner and value.__name__ in names:
                return f"datetime.{owner.__name__}.{value.__name__}"
    if kind is not BuiltinFunctionType and kind is not FunctionType:
        return None
    found = _held_sources(tuple(name in sys.modules for name in (*_IN_C, "uuid"))).get(id(value))
    return None if found is None else found[1]


@lru_cache(maxsize=4)
def _held_sources(loaded: tuple[bool, ...]) -> dict[int, tuple[Any, str]]:
    """By ``id``: the functions of the modules that are loaded, and their names.

    The functions themselves, also while others take their place.
    """
    names = [(m, name) for m in _IN_C for each in BY_ANSWER[m].values() for name in each]
    found = [(_own(getattr(sys.modules.get(m), n, None)), f"{m}.{n}") for m, n in (*names, _UUID)]
    return {id(function): (function, name) for function, name in found if function is not None}


def _own(function: Any) -> Any:
    """What a function, or one that takes its place, calls in the end."""
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return function


_UUID = ("uuid", "uuid1")
