"""The functions whose results are random or read from a clock, and what answers them."""

from __future__ import annotations

import datetime

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
        "number": "time monotonic perf_counter process_time thread_time",
        "count": "time_ns monotonic_ns perf_counter_ns process_time_ns thread_time_ns",
        "current": "localtime gmtime ctime strftime",
    },
    "os": {"other": "urandom getrandom"},
    "uuid": {"other": "uuid1 uuid4"},
}
BY_ANSWER = {
    module: {answer: names.split() for answer, names in answers.items()}
    for module, answers in _NAMES.items()
}
"""By module: which method of :class:`_Draws` answers which functions."""

DATES = {datetime.datetime: ("now", "utcnow", "today"), datetime.date: ("today",)}
"""The methods of classes that read the clock."""
