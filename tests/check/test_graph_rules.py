"""Rules that read the graph, on graphs written as text: what they find, how they say it, what they leave alone."""

from __future__ import annotations

from typing import Any

import onnx.parser
import pytest

from onnxmagic.check import catalogue
from onnxmagic.check.evidence import GraphEvidence
from onnxmagic.check.finding import Finding, Where
from onnxmagic.graph.read import read
from onnxmagic.target.target import Target


def found(
    code: str, text: str, head: str = '<ir_version: 10, opset_import: ["" : 20]>', **evidence: Any
) -> list[Finding]:
    data = onnx.parser.parse_model(head + text).SerializeToString()
    return list(catalogue.run(GraphEvidence(read(data), source=data, **evidence), select=[code]))


def one(code: str, text: str, **evidence: Any) -> Finding:
    (finding,) = found(code, text, **evidence)
    return finding


# OM104 random-operator

NOISE = """
net (float[n,4] x) => (float[n,4] y)
{
    [draw] e = RandomNormalLike (x)
    [again] f = RandomNormalLike (x)
    g = Add (e, f)
    y = Add (x, g)
}
"""


def test_random_operators_of_one_line_are_one_finding() -> None:
    finding = one("OM104", NOISE, places=dict.fromkeys(("draw", "again"), Where(cell=4, line=2)))
    assert finding.message == (
        "`RandomNormalLike` draws random numbers in the file, so the same input gets another answer on every call."
    )
    assert (finding.count, str(finding.where), finding.where.node) == (2, "cell 4, line 2", "draw")


def test_random_operators_of_two_lines_are_two() -> None:
    assert len(found("OM104", NOISE, places={"draw": Where(cell=4, line=2), "again": Where(cell=4, line=3)})) == 2


def test_random_numbers_that_nobody_reads_are_none() -> None:
    assert found("OM104", "net (float[n] x) => (float[n] y) { e = RandomNormalLike (x) y = Neg (x) }") == []


def test_random_numbers_in_training_mode_were_asked_for() -> None:
    assert found("OM104", NOISE, asked_train=True) == []


def test_a_seed_is_no_cure() -> None:
    text = "net (float[4] x) => (float[4] y) { y = RandomUniformLike <seed = 1.0> (x) }"
    assert "first call" in one("OM104", text).message


def test_random_numbers_in_a_branch() -> None:
    text = """
    net (bool c, float[4] x) => (float[4] y)
    {
        y = If (c) <
            then_branch = yes () => (float[4] a) { a = Bernoulli (x) },
            else_branch = no () => (float[4] b) { b = Neg (x) }
        >
    }
    """
    assert "`Bernoulli`" in one("OM104", text).message


# OM205 axis-name-clash


def test_a_strided_axis_is_not_what_its_name_says() -> None:
    text = """
    net (float[n,3,h,w] x, float[8,3,3,3] k) => (float[n,8,h,w] y)
    { y = Conv <strides = [2, 2], pads = [1, 1, 1, 1], kernel_shape = [3, 3]> (x, k) }
    """
    first, second = found("OM205", text)
    assert "`h`: axis 2 of output `y` is about 1/2 of the input's" in first.message
    assert "`w`" in second.message


@pytest.mark.parametrize("pads", ["[1, 1, 1, 1]", "[0, 0, 0, 0]"])
def test_a_window_that_keeps_the_size_keeps_the_name(pads: str) -> None:
    text = f"""
    net (float[n,3,h,w] x, float[8,3,3,3] k) => (float[n,8,h,w] y)
    {{ y = Conv <pads = {pads}, kernel_shape = [3, 3]> (x, k) }}
    """
    assert bool(found("OM205", text)) == (pads == "[0, 0, 0, 0]")


def test_down_and_up_again_is_not_judged() -> None:
    text = """
    net (float[n,3,h,w] x) => (float[n,3,h,w] y)
    <float[4] scales = {1, 1, 2, 2}>
    {
        small = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (x)
        y = Resize (small, , scales)
    }
    """
    assert found("OM205", text) == []


def test_doubled_pixels_are_twice_the_size() -> None:
    text = """
    net (float[n,3,h,8] x) => (float[n,3,h,8] y)
    <float[4] scales = {1, 1, 2, 1}>
    { y = Resize (x, , scales) }
    """
    assert "is 2 times the input's" in one("OM205", text).message


def test_one_name_that_weights_force_to_two_sizes() -> None:
    text = """
    net (float[n,d] x, float[n,d] z) => (float[n,1] y)
    <float[3,1] a = {1, 2, 3}, float[5,1] b = {1, 2, 3, 4, 5}>
    {
        [left] p = MatMul (x, a)
        [right] q = MatMul (z, b)
        y = Add (p, q)
    }
    """
    finding = one("OM205", text)
    assert finding.message == "Axes of different sizes are called `d`: 3 at node `left` and 5 at node `right`."
    assert finding.fix
    assert finding.fix.option == "--dynamic"


def test_one_name_for_two_sizes_of_the_example() -> None:
    text = "net (float[batch,8] x, float[batch,8] z) => (float[8] y) { a = ReduceSum (x) y = Add (a, z) }"
    sizes = {"x": (3, 8), "z": (5, 8)}
    assert "axis 0 of `x` is 3 and axis 0 of `z` is 5" in one("OM205", text, example_shapes=sizes).message
    assert found("OM205", text, example_shapes={"x": (3, 8), "z": (3, 8)}) == []


# OM303 custom-operator


def test_foreign_operators_by_set() -> None:
    head = '<ir_version: 10, opset_import: ["" : 20, "mylib" : 1]>'
    (finding,) = found("OM303", "net (float[n] x) => (float[n] y) { h = mylib.Triple (x) y = mylib.Triple (h) }", head)
    assert finding.message.startswith("`Triple` is an operator of the set `mylib`, which no runtime brings along")
    assert finding.count == 2


def test_a_set_that_the_file_defines_itself() -> None:
    head = '<ir_version: 10, opset_import: ["" : 20, "mylib" : 1]>'
    text = """
    net (float[n] x) => (float[n] y) { y = mylib.Triple (x) }
    <domain: "mylib", opset_import: ["" : 20]> Triple (a) => (b) { c = Add (a, a) b = Add (c, a) }
    """
    assert found("OM303", text, head) == []


@pytest.mark.parametrize("domain", ["com.microsoft", "ai.onnx.ml"])
def test_sets_that_runtimes_have(domain: str) -> None:
    head = f'<ir_version: 10, opset_import: ["" : 20, "{domain}" : 1]>'
    assert found("OM303", f"net (float[n] x) => (float[n] y) {{ y = {domain}.Gelu (x) }}", head) == []


# OM305 float64-in-graph


def test_float64_output_and_origin_are_named() -> None:
    text = """
    net (float[n,3] x) => (double[n,3] y)
    <double[3] mean = {0.4, 0.5, 0.6}, float[3] scale = {1, 2, 3}, float[3] shift = {1, 2, 3}>
    {
        s = Mul (x, scale)
        t = Add (s, shift)
        wide = Cast <to = 11> (t)
        [sub] y = Sub (wide, mean)
    }
    """
    finding = one("OM305", text)
    assert "`mean` is stored as float64" in finding.message
    assert "output `y` is float64" in finding.message
    assert (finding.where.node, finding.count) == ("sub", 2)
    assert finding.fix
    assert finding.fix.rewrite == "double-to-float"


def test_a_model_that_is_float64_throughout_means_it() -> None:
    text = "net (double[n,3] x) => (double[n,3] y) <double[3] mean = {0.4, 0.5, 0.6}> { y = Sub (x, mean) }"
    assert found("OM305", text) == []


def test_float64_without_types_in_the_file() -> None:
    text = "net (float[n] x) => (float[n] y) { a = Cast <to = 11> (x) b = Exp (a) c = Neg (b) y = Cast <to = 1> (c) }"
    finding = one("OM305", text)
    assert "`a` (Cast) casts to float64" in finding.message
    assert finding.count == 4


def test_casts_alone_compute_nothing_in_float64() -> None:
    text = "net (float[n] x) => (float[n] y) { a = Cast <to = 11> (x) y = Cast <to = 1> (a) }"
    assert found("OM305", text) == []


# OM306 unsupported-precision

BF16 = """
net (bfloat16[n,4] x, bfloat16[4,2] w) => (bfloat16[n,2] y)
{
    a = MatMul (x, w)
    b = Relu (a)
    y = Identity (b)
}
"""


def test_bfloat16_operators_without_a_kernel() -> None:
    finding = one("OM306", BF16)
    assert finding.message.startswith(
        "`MatMul` and `Relu` work on bfloat16, for which ONNX Runtime 1.31.1 has no kernel"
    )
    assert (finding.severity, finding.count) == ("error", 2)


def test_bfloat16_for_another_target_is_that_targets_matter() -> None:
    assert found("OM306", BF16, targets=(Target("tensorrt", "TensorRT"),)) == []
    assert found("OM306", BF16, targets=(Target("onnxruntime", "ONNX Runtime"),)) != []


def test_bfloat16_that_is_only_moved_is_fine() -> None:
    text = "net (bfloat16[4] x) => (bfloat16[2,2] y) <int64[2] to = {2, 2}> { y = Reshape (x, to) }"
    assert found("OM306", text) == []


def test_bfloat16_between_float32_weights_comes_from_autocast() -> None:
    text = """
    net (float[n,2] x, bfloat16[2,2] w) => (bfloat16[n,2] y)
    <float[2] bias = {1, 2}>
    {
        shifted = Add (x, bias)
        half = Cast <to = 16> (shifted)
        y = MatMul (half, w)
    }
    """
    finding = one("OM306", text)
    assert "a `torch.autocast` in `forward` is the usual cause" in finding.message
    assert "enabled=False" in str(finding.fix)


def test_float16_runs_by_casts() -> None:
    text = "net (float16[n,4] x, float16[4,2] w) => (float16[n,2] y) { y = MatMul (x, w) }"
    assert found("OM306", text) == []


# OM307 data-dependent-shape


def test_sizes_that_depend_on_values() -> None:
    text = "net (bool[n] m) => (int64[1,k] y) { y = NonZero (m) }"
    assert one("OM307", text).message.startswith("`NonZero` makes an output whose size depends on values.")


def test_counting_by_nonzero_depends_on_sizes_only() -> None:
    text = "net (float[n] x) => (int64[1,k] y) { s = Shape (x) o = ConstantOfShape (s) y = NonZero (o) }"
    assert found("OM307", text) == []


# OM310 cast-chain


@pytest.mark.parametrize(
    ("casts", "expected", "rewrite"),
    [
        ((10, 1), "float32 → float16 → float32", None),
        ((11, 1), "float32 → float64 → float32", "remove-cast-chains"),
        ((10, 1, 11, 1), "float32 → float16 → float32 → float64 → float32", None),
    ],
)
def test_casts_back_and_forth(casts: tuple[int, ...], expected: str, rewrite: str | None) -> None:
    names = ["x", *(f"v{i}" for i in range(len(casts) - 1)), "y"]
    lines = [f"{b} = Cast <to = {to}> ({a})" for a, b, to in zip(names, names[1:], casts, strict=False)]
    finding = one("OM310", f"net (float[n] x) => (float[n] y) {{ {' '.join(lines)} }}")
    assert f"cast {expected} without" in finding.message
    assert ("rounded" in finding.message) == (rewrite is None)
    assert (finding.count, finding.fix and finding.fix.rewrite) == (len(casts) - 1, rewrite)


@pytest.mark.parametrize(
    "body",
    [
        "a = Cast <to = 7> (x) y = Cast <to = 1> (a)",  # cuts off fractions, which is meant
        "a = Cast <to = 9> (x) y = Cast <to = 1> (a)",  # x != 0
        "a = Cast <to = 10> (x) b = Cast <to = 1> (a) c = Neg (a) d = Cast <to = 1> (c) y = Add (b, d)",  # a is used
        "y = Cast <to = 1> (x)",
    ],
)
def test_casts_that_are_meant(body: str) -> None:
    assert found("OM310", f"net (float[n] x) => (float[n] y) {{ {body} }}") == []


# OM313 missing-shapes


def test_missing_shapes_are_counted() -> None:
    finding = one("OM313", "net (float[n] x) => (float[n] y) { a = Neg (x) b = Abs (a) y = Exp (b) }")
    assert finding.message.startswith("2 of 2 intermediate values have no shape in the file, `a` is the first.")
    assert finding.fix
    assert finding.fix.rewrite == "shape-inference"


def test_a_graph_of_one_node_has_nothing_in_between() -> None:
    assert found("OM313", "net (float[n] x) => (float[n] y) { y = Neg (x) }") == []


# OM408 half-range


def test_a_dead_epsilon() -> None:
    text = """
    net (float16[n,4] x, float16[n,1] v) => (float16[n,4] y)
    <float16 eps = {0}>
    {
        [safe] s = Add (v, eps)
        r = Sqrt (s)
        y = Div (x, r)
    }
    """
    finding = one("OM408", text)
    assert finding.message.startswith("`safe` (Add) adds or clamps to an epsilon that is 0 in float16")


def test_squares_summed_in_half() -> None:
    text = "net (float16[n,4] x) => (float16 y) { s = Mul (x, x) [sum] y = ReduceMean <keepdims = 0> (s) }"
    assert "`sum` (ReduceMean) sums up squares" in one("OM408", text).message


@pytest.mark.parametrize("kind", ["float", "float16"])
def test_a_relu_is_no_epsilon(kind: str) -> None:
    text = f"net ({kind}[n] x) => ({kind}[n] y) <{kind} zero = {{0}}> {{ y = Max (x, zero) }}"
    assert found("OM408", text) == []


def test_float32_may_square() -> None:
    assert found("OM408", "net (float[n,4] x) => (float y) { s = Mul (x, x) y = ReduceMean <keepdims = 0> (s) }") == []
