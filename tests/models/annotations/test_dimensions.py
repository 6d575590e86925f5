"""Dimensions of jaxtyping as sizes of contracts; where jaxtyping is installed, as it reads them."""

import pytest

from archlint.models.annotations.dimensions import Dimensions, NotStatable


class Model:
    width, flag = 16, True


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("b 3 h w", "b 3 h w"),
        ("  b   n ", "b n"),
        ("batch c=3 rows=h", "batch 3 h"),
        ("h 2*h h-1 min(h,w)", "h 2*h h-1 min(h,w)"),
        ("_ b _", "size b size2"),
        ("_b b", "b b2"),
        ("in step", "in2 step2"),
        ("{self.width} 2*{self.width}", "16 2*16"),
        ("", ""),
    ],
)
def test_an_input(text, shape):
    assert Dimensions(Model()).input(text, ("float32", "float64")).text == shape


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("*batch c", "'*batch' is any number of sizes"),
        ("... c", "'...' is any number of sizes"),
        ("#b", "'#b' is either 1 or another size"),
        ("?b", "'?b' is not a size of one tensor"),
        ("b,c", "'b,c' has a comma"),
        ("b h/2", "'h/2' is not a size of a contract: found '/'; expected '//'"),
        ("b h**2", "found '**'; expected a product such as H*H"),
        ("{self.depth}", "'{self.depth}' is not an attribute of the model that is a whole number"),
        ("{self.flag}", "that is a whole number"),
        ("{n}", "that is a whole number"),
        ("*", "'*' has no size"),
        ("a...", "is not a size of one tensor"),
        ("f(b)", "'f(b)' is not a size of a contract"),
    ],
)
def test_what_a_contract_cannot_state(text, reason):
    with pytest.raises(NotStatable) as error:
        Dimensions(Model()).input(text, ("float32",))
    assert reason in str(error.value)


def test_an_output_has_the_names_of_the_inputs():
    dims = Dimensions(Model())
    dims.input("b in h _", None)
    assert dims.output("... in h//2 {self.width}").text == "... in2 h//2 16"
    assert dims.output("b new _ _h").text == "b _ _ _"
    assert dims.output("").dims == ()
    with pytest.raises(NotStatable, match="'other' in '2\\*other' is not a size of an input"):
        dims.output("2*other")
    with pytest.raises(NotStatable, match="any number of sizes at two places"):
        dims.output("... b *c")
    with pytest.raises(NotStatable, match="'new' is a size of outputs only, and occurs 2 times"):
        dims.output("new b")


@pytest.mark.parametrize(
    ("dtypes", "dtype"),
    [
        (("float64", "float32"), "float32"),
        (("bfloat16", "float16"), "float16"),
        (("int8", "int64"), "int64"),
        (("bool", "bool_"), "bool"),
        (None, "float32"),
        (object(), "float32"),  # jaxtyping's any dtype
    ],
)
def test_the_dtype(dtypes, dtype):
    assert Dimensions(Model()).input("b", dtypes).dtype == dtype


def test_a_dtype_that_rule_files_do_not_have():
    with pytest.raises(NotStatable, match="rule files have no dtype prng_key"):
        Dimensions(Model()).input("b", ("prng_key",))


@pytest.mark.parametrize("text", ["b 3 h w", "b c=3", "_ _b", "rows=h 4", "b h-1", "_c 2*b", " b "])
def test_the_number_of_sizes_is_that_of_jaxtyping(text):
    torch = pytest.importorskip("torch")
    jaxtyping = pytest.importorskip("jaxtyping")
    assert len(jaxtyping.Float[torch.Tensor, text].dims) == len(
        Dimensions(None).input(text, None).dims
    )
