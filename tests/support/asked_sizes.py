"""What Python can ask of a size, each with an expression that asks it, and how it is answered.

An expression names the size ``h``, the float ``h / 4`` as ``f``, the truth ``h > 9`` as ``b``, and
``torch.Size([h, 3])`` as ``s``. :data:`ANSWERS` says what the words mean.
"""

import re

ANSWERS = {
    "exact": "a formula, without a branch",
    "branch": "a formula, after branches that each hold for many sizes",
    "pinned": "each value takes a path of its own; not exact where a contract allows many values",
    "by use": "see below",
    "refused": "raises what it raises for a number",
    "object": "says nothing of the value",
}

_OBJECT = [
    "__delattr__",
    "__dir__",
    "__doc__",
    "__getattribute__",
    "__getstate__",
    "__init__",
    "__init_subclass__",
    "__new__",
    "__setattr__",
    "__subclasshook__",
]


def _entries(answer: str, **asked: str) -> dict[str, tuple[str, str]]:
    return {name: (answer, code) for name, code in asked.items()}


_BOTH = {
    **_entries(
        "exact",
        __add__="x + 3", __radd__="3 + x", __sub__="x - 3", __rsub__="3 - x", __mul__="x * 4",
        __rmul__="4 * x", __neg__="-x", __pos__="+x", __eq__="x == 5", __ne__="x != 5",
        __lt__="x < 5", __le__="x <= 5", __gt__="x > 5", __ge__="x >= 5", __bool__="bool(x + 1)",
        __class__="x.__class__", conjugate="x.conjugate()", real="x.real", imag="x.imag",
    ),
    **_entries("branch", __abs__="abs(x - 9)", __int__="int(x) and 1 if x < 2 else 0"),
    **_entries(
        "pinned",
        __reduce__="x.__reduce_ex__(2)", __reduce_ex__="x.__reduce_ex__(2)",
        __getnewargs__="x.__getnewargs__()", __sizeof__="x.__sizeof__()", __float__="float(x)",
    ),
    **_entries(
        "by use",
        __str__="str(x)", __repr__="repr(x)", __format__="format(x, '')", __hash__="hash(x)",
    ),
    **dict.fromkeys(_OBJECT, ("object", "")),
}  # fmt: skip

_INTEGER = {
    **_entries(
        "exact",
        __and__="h & 22", __rand__="22 & h", __or__="h | 9", __ror__="9 | h", __xor__="h ^ 9",
        __rxor__="9 ^ h", __invert__="~h", __lshift__="h << 2", __rshift__="h >> 2",
        __floordiv__="h // 4", __rfloordiv__="99 // h", __mod__="h % 5", __rmod__="99 % h",
        __divmod__="divmod(h, 4)", __rdivmod__="divmod(99, h)", __truediv__="h / 4",
        __rtruediv__="12 / h", __pow__="h ** 3", __ceil__="math.ceil(h)",
        __floor__="math.floor(h)", __trunc__="math.trunc(h)", __round__="round(h)",
        bit_length="h.bit_length()", numerator="h.numerator", denominator="h.denominator",
        as_integer_ratio="h.as_integer_ratio()", is_integer="h.is_integer()",
    ),
    **_entries("branch", __rlshift__="1 << h.bit_length()", __rpow__="2 ** h.bit_length()"),
    **_entries(
        "pinned",
        __rrshift__="99 >> h", bit_count="h.bit_count()", to_bytes="h.to_bytes(8, 'big')",
        __index__="[0] * h", __int__="int(h)",
    ),
    "from_bytes": ("object", ""),
}  # fmt: skip

INT = {**{n: (a, re.sub(r"\bx\b", "h", c)) for n, (a, c) in _BOTH.items()},
       **_INTEGER}  # fmt: skip
BOOL = {name: (answer, re.sub(r"\bh\b", "b", code)) for name, (answer, code) in INT.items()}
"""A truth is taken as 1 or 0, which branches."""

FLOAT = {
    **{n: (a, re.sub(r"\bx\b", "f", c)) for n, (a, c) in _BOTH.items()},
    **_entries(
        "exact",
        __floordiv__="f // 2", __mod__="f % 2", __divmod__="divmod(f, 2)", __truediv__="f / 2",
        __ceil__="math.ceil(f)", __floor__="math.floor(f)", __round__="round(f)",
        is_integer="f.is_integer()", __trunc__="math.trunc(f)",
    ),
    **_entries(
        "pinned",
        __rfloordiv__="9 // (f + 1)", __rmod__="9.0 % (f + 1)", __rdivmod__="divmod(9.0, f + 1)",
        __rtruediv__="9 / (f + 1)", __pow__="f ** 3", __rpow__="2.0 ** f",
        as_integer_ratio="f.as_integer_ratio()", hex="f.hex()", __int__="int(f)",
    ),
    **dict.fromkeys(("fromhex", "from_number", "__getformat__", "__setformat__"), ("object", "")),
}  # fmt: skip

_PINNED_MATH = [
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "cbrt",
    "cos",
    "cosh",
    "degrees",
    "erf",
    "erfc",
    "exp",
    "exp2",
    "expm1",
    "frexp",
    "gamma",
    "lgamma",
    "modf",
    "radians",
    "sin",
    "sinh",
    "tan",
    "tanh",
    "ulp",
]
MATH = {
    **_entries(
        "exact",
        ceil="math.ceil(f)", floor="math.floor(f)", trunc="math.trunc(f)", prod="math.prod([h, 3])",
        isqrt="math.isqrt(h)", log2="math.floor(math.log2(h))", sqrt="math.floor(math.sqrt(h))",
        log="math.floor(math.log(h))", log10="math.floor(math.log10(h))",
        log1p="math.floor(math.log1p(h))", pow="math.pow(h, 2)", fmod="math.fmod(h, 5)",
        isfinite="math.isfinite(1 / h)", isinf="math.isinf(1 / h)", isnan="math.isnan(1 / h)",
    ),
    **_entries(
        "branch", gcd="math.gcd(h, 12)", lcm="math.lcm(h, 12)", fabs="math.fabs(h - 9)",
        copysign="math.copysign(2, h - 9)",
    ),
    **{name: ("pinned", f"math.{name}(1 / h)") for name in _PINNED_MATH},
    **_entries(
        "pinned",
        acosh="math.acosh(h)", atan2="math.atan2(h, 2)", comb="math.comb(h, 2)",
        dist="math.dist([h], [2])",
        factorial="math.factorial(h % 7)", fsum="math.fsum([h, 1])", hypot="math.hypot(h, 2)",
        isclose="math.isclose(h, 5)", ldexp="math.ldexp(h, 2)", nextafter="math.nextafter(h, 0)",
        perm="math.perm(h, 2)", remainder="math.remainder(h, 5)", fma="math.fma(h, 2, 1)",
        sumprod="math.sumprod([h], [2])", atanh="math.atanh(1 / (h + 1))",
    ),
    **dict.fromkeys(("e", "inf", "nan", "pi", "tau"), ("object", "")),
}  # fmt: skip

_SIGNS = {
    "add": "h, 3", "sub": "h, 3", "mul": "h, 3", "floordiv": "h, 4", "mod": "h, 5",
    "truediv": "h, 4", "and_": "h, 12", "or_": "h, 12", "xor": "h, 12", "lshift": "h, 2",
    "rshift": "h, 2", "pow": "h, 2",
}  # fmt: skip
OPERATOR = {
    **{name: ("exact", f"operator.{name}({args})") for name, args in _SIGNS.items()},
    **{
        f"i{name.rstrip('_')}": ("exact", f"operator.i{name.rstrip('_')}({args})")
        for name, args in _SIGNS.items()
    },
    **_entries(
        "exact",
        eq="operator.eq(h, 5)", ne="operator.ne(h, 5)", lt="operator.lt(h, 5)",
        le="operator.le(h, 5)", gt="operator.gt(h, 5)", ge="operator.ge(h, 5)",
        neg="operator.neg(h)", pos="operator.pos(h)", inv="operator.inv(h)",
        invert="operator.invert(h)", index="operator.index(h)", truth="operator.truth(h)",
        not_="operator.not_(h)", is_="operator.is_(h, None)", is_not="operator.is_not(h, None)",
        is_none="operator.is_none(h)", is_not_none="operator.is_not_none(h)",
        call="operator.call(abs, h)", attrgetter="operator.attrgetter('numerator')(h)",
        methodcaller="operator.methodcaller('conjugate')(h)",
    ),
    **_entries(
        "branch",
        abs="operator.abs(h - 9)", contains="operator.contains([4, 8], h)",
        countOf="operator.countOf([4, 8], h)", indexOf="operator.indexOf([4, 8, h], h)",
    ),
    **_entries(
        "pinned",
        getitem="operator.getitem(range(2000), h)",
        itemgetter="operator.itemgetter(h)(range(2000))",
        length_hint="operator.length_hint([0] * h)",
    ),
    **_entries("refused", matmul="operator.matmul(h, 3)", imatmul="operator.imatmul(h, 3)",
               concat="operator.concat(h, 3)", iconcat="operator.iconcat(h, 3)"),
    **dict.fromkeys(("delitem", "setitem"), ("object", "")),
}  # fmt: skip

BUILTINS = {
    **_entries(
        "exact",
        abs="abs(h - 9) + 9 >= h", all="all([h])", any="any([h])", bool="bool(h)",
        callable="callable(h)", dict="dict(a=h)['a']", divmod="divmod(h, 4)",
        enumerate="list(enumerate([h]))", filter="list(filter(None, [h]))",
        getattr="getattr(h, 'real')", hasattr="hasattr(h, '__dict__')",
        isinstance="isinstance(h, int)", issubclass="issubclass(h.__class__, int)",
        list="list((h, 3))", map="list(map(abs, [h]))", pow="pow(h, 2)",
        reversed="list(reversed([h, 3]))", round="round(h)", sum="sum([h, 3])",
        tuple="tuple([h])", zip="list(zip([h], [3]))",
    ),
    **_entries(
        "branch", max="max(h, 9)", min="min(h, 9)", sorted="sorted([h, 9])",
    ),
    **_entries(
        "pinned",
        bin="bin(h)", bytearray="list(bytearray(h % 99))", bytes="list(bytes(h % 99))",
        chr="chr(h)", complex="complex(h)", float="float(h)", hex="hex(h)", int="int(h)",
        oct="oct(h)", range="list(range(h % 99))", slice="[1, 2, 3][slice(h)]",
    ),
    **_entries(
        "by use",
        ascii="ascii(h)", format="format(h)", frozenset="frozenset([h])", hash="hash(h)",
        id="id(h)", print="print(h)", repr="repr(h)", set="{h}", str="str(h)", type="type(h)",
        eval="eval('h is 7')", exec="exec('h is 7')",
    ),
    **_entries(
        "refused",
        iter="iter(h)", len="len(h)", memoryview="memoryview(h)", next="next(h)", ord="ord(h)",
        vars="vars(h)", delattr="delattr(h, 'a')", aiter="aiter(h)", anext="anext(h)",
        open="open(2 ** 40 + h)", super="super(h)", compile="compile(h, '', 'eval')",
    ),
    **dict.fromkeys(
        (
            "breakpoint", "classmethod", "copyright", "credits", "dir", "exit", "globals", "help",
            "input", "license", "locals", "object", "property", "quit", "setattr", "staticmethod",
            "Ellipsis", "False", "None", "NotImplemented", "True",
        ),
        ("object", ""),
    ),
}  # fmt: skip
"""How ``setattr(h, …)`` fails, and what ``dir(h)`` lists, is not followed."""

STATISTICS = {
    **_entries(
        "branch",
        median="statistics.median([h, 4, 5])", median_low="statistics.median_low([h, 4, 5])",
        median_high="statistics.median_high([h, 4, 5])",
    ),
    **_entries(
        "pinned",
        mean="statistics.mean([h, 4])", fmean="statistics.fmean([h, 4])",
        geometric_mean="statistics.geometric_mean([h, 4])",
        harmonic_mean="statistics.harmonic_mean([h, 4])", stdev="statistics.stdev([h, 4])",
        pstdev="statistics.pstdev([h, 4])", variance="statistics.variance([h, 4, 5])",
        pvariance="statistics.pvariance([h, 4, 5])", quantiles="statistics.quantiles([h, 4, 5])",
        median_grouped="statistics.median_grouped([h, 4, 5])",
        covariance="statistics.covariance([h, 4], [1, 2])",
        correlation="statistics.correlation([h, 4, 60], [1, 2, 4])",
        linear_regression="list(statistics.linear_regression([1, 2, 4], [h, 4, 60]))",
    ),
    **_entries("by use", mode="statistics.mode([h, 4])", multimode="statistics.multimode([h, 4])"),
    **dict.fromkeys(("NormalDist", "StatisticsError", "kde", "kde_random"), ("object", "")),
}  # fmt: skip

SHAPE = {
    **_entries(
        "exact",
        __add__="s + (2,)", __radd__="(2,) + s", __getitem__="s[0]", __iter__="list(s)",
        __len__="len(s)", __mul__="s * 2", __rmul__="2 * s", __class__="s.__class__",
        __reduce__="s.__reduce__()[1]",
    ),
    **_entries(
        "branch",
        __contains__="7 in s", __eq__="s == (7, 3)", __ne__="s != (7, 3)", __lt__="s < (7, 4)",
        __le__="s <= (7, 2)", __gt__="s > (7, 2)", __ge__="s >= (7, 4)", count="s.count(3)",
        index="s.index(3)",
    ),
    **_entries("pinned", numel="s.numel()"),
    **_entries(
        "by use", __hash__="hash(s)", __repr__="repr(s)", __str__="str(s)", __format__="format(s)",
    ),
    **dict.fromkeys(
        (*_OBJECT, "__class_getitem__", "__getnewargs__", "__reduce_ex__", "__sizeof__"),
        ("object", ""),
    ),
}  # fmt: skip
"""Of ``torch.Size``: ``x.shape``."""

TABLES = {
    "int": INT,
    "float": FLOAT,
    "bool": BOOL,
    "math": MATH,
    "operator": OPERATOR,
    "builtins": BUILTINS,
    "statistics": STATISTICS,
    "torch.Size": SHAPE,
}

SINCE = {
    (3, 11): "cbrt exp2 call __getstate__ is_integer",
    (3, 12): "sumprod is_integer",
    (3, 13): "fma kde kde_random",
    (3, 14): "from_number is_none is_not_none",
}
"""From which version of Python on members exist that earlier supported ones do not have."""

SOME = {"__setformat__", "__radd__"}
"""Members that only earlier versions of Python, or later ones of PyTorch, have."""
