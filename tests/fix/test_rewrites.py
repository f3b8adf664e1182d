"""Each rewrite: the graph before and after, the same numbers, and nothing left to do the second time."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from mending import LIVE, model, nodes, rewritten, run

from onnxmagic.fix.catalogue import mending, rewrites

X = np.random.default_rng(1).normal(size=(3, 4)).astype(np.float32)


def same_twice(proto: onnx.ModelProto, *names: str) -> tuple[onnx.ModelProto, tuple[str, ...]]:
    """The rewritten model; a second time there is nothing to do."""
    after, said = rewritten(proto, *names)
    again, nothing = rewritten(after, *names)
    assert nothing == ()
    assert nodes(again) == nodes(after)
    return after, said


def test_a_live_dropout_becomes_identity() -> None:
    after, said = same_twice(model(LIVE), "dropout-to-identity")
    assert nodes(after) == ["y = Identity (x)"]
    assert list(after.graph.initializer) == []
    assert said == ("1 live dropout becomes Identity: it drops nothing any more.",)
    assert np.array_equal(run(after, optimize=False, x=X)[0], X)


def test_a_dropout_whose_mask_is_used_stays_and_drops_nothing() -> None:
    text = LIVE.replace("(float[n, 4] y)", "(float[n, 4] y, bool[n, 4] m)").replace("y = D", "y, m = D")
    after, _ = same_twice(model(text), "dropout-to-identity")
    y, mask = run(after, optimize=False, x=X)
    assert np.array_equal(y, X)
    assert mask.all()


@pytest.mark.parametrize(
    "text",
    [
        LIVE.replace("bool t = {1}", "bool t = {0}"),
        LIVE.replace("float r = {0.5}", "float r = {0}"),
        "g (float[n, 4] x, bool t) => (float[n, 4] y) <float r = {0.5}> { y = Dropout (x, r, t) }",
        LIVE.replace("x) =>", "x, bool t) =>"),  # a default that callers may replace
        "g (float[n, 4] x) => (float[n, 4] y) { y = own.Dropout (x, x, x) }",
    ],
)
def test_other_dropouts_are_left_alone(text: str) -> None:
    before = model(text)
    after, said = rewritten(before, "dropout-to-identity")
    assert (nodes(after), said) == (nodes(before), ())


def test_dropouts_in_bodies_and_functions_count_too() -> None:
    text = """g (bool c, float[n, 4] x) => (float[n, 4] y) <float r = {0.5}, bool t = {1}> {
        y = If (c) <then_branch = a () => (float[n, 4] p) { p = Dropout (x, r, t) },
                    else_branch = b () => (float[n, 4] q) { q = own.f (x) }>
    } <domain: "own", opset_import: ["": 20]> f (x) => (y) {
        r = Constant <value_float = 0.5> () t = Constant <value = bool {1}> () y = Dropout (x, r, t) }"""
    after, said = same_twice(model(text), "dropout-to-identity")
    assert said[0].startswith("2 live dropouts become Identity")
    assert [n.op_type for n in after.functions[0].node] == ["Identity"]
    for branch in (True, False):
        assert np.array_equal(run(after, optimize=False, c=np.array(branch), x=X)[0], X)


@pytest.mark.parametrize(("opset", "lowest"), [(11, 7), (14, 7), (18, 8), (20, 9), (22, 10), (23, 11)])
def test_the_ir_version_falls_to_that_of_the_opset(opset: int, lowest: int) -> None:
    before = model("g (float[n, 4] x) => (float[n, 4] y) { y = Relu (x) }", opset=opset, ir_version=13)
    after, said = same_twice(before, "lower-ir")
    assert after.ir_version == lowest
    assert f"IR version 13 became {lowest}" in said[0]
    assert np.array_equal(run(after, x=X)[0], run(before, x=X)[0])


@pytest.mark.parametrize(("dtype", "lowest"), [("float8e4m3fn", 9), ("int4", 10), ("float4e2m1", 11)])
def test_the_ir_version_stays_above_what_the_types_need(dtype: str, lowest: int) -> None:
    proto = model(f"g ({dtype}[2] x) => ({dtype}[2] y) {{ y = own.f (x) }}", opset=13, ir_version=13)
    assert rewritten(proto, "lower-ir")[0].ir_version == lowest


def test_an_opset_that_is_not_known_keeps_its_ir_version() -> None:
    from onnxmagic.fix.load import load
    from onnxmagic.fix.rewrites.lower_ir import lowest_ir

    assert lowest_ir(load(model("g (float x) => (float y) { y = Relu (x) }", opset=99).SerializeToString())) is None


def leaky() -> onnx.ModelProto:
    proto = model("g (float[n, 4] x) => (float[n, 4] y) <float[4] b = {1, 2, 3, 4}> { y = Add (x, b) }", ir_version=10)
    node = proto.graph.node[0]
    node.metadata_props.add(key="pkg.torch.onnx.stack_trace", value='File "/home/me/net.py", line 1')
    node.metadata_props.add(key="pkg.torch.onnx.name_scopes", value="['fc', 'add']")
    node.doc_string = "/home/me/net.py(12): forward"
    proto.doc_string = proto.graph.doc_string = proto.graph.initializer[0].doc_string = "customer ACME"
    proto.metadata_props.add(key="made by", value="C:\\Users\\me\\train.py")
    proto.metadata_props.add(key="license", value="MIT")
    return proto


def test_source_and_paths_go_and_module_scopes_stay() -> None:
    after, said = same_twice(leaky(), "strip-metadata")
    text = after.SerializeToString()
    assert not any(word in text for word in (b"home", b"ACME", b"Users", b"forward"))
    assert b"name_scopes" in text
    assert b"MIT" in text
    assert said[0].endswith("of source lines, local paths and documentation texts are taken out.")


def test_inputs_that_nothing_reads_go_when_asked() -> None:
    text = "g (float[n, 4] x, float[k] mask, int64 step) => (float[n, 4] y) { y = Relu (x) }"
    after, said = same_twice(model(text), "remove-unused-inputs")
    assert [i.name for i in after.graph.input] == ["x"]
    assert said == ("`mask` and `step` are no input any more: nothing read them.",)


def test_an_input_that_only_a_body_reads_or_that_is_an_output_stays() -> None:
    text = """g (bool c, float[4] x, float[4] z) => (float[4] y, float[4] z) {
        y = If (c) <then_branch = a () => (float[4] p) { p = Relu (x) },
                    else_branch = b () => (float[4] q) { q = Neg (x) }> }"""
    assert rewritten(model(text), "remove-unused-inputs")[1] == ()


def test_equal_weights_are_stored_once() -> None:
    ones, twos = ", ".join(["1"] * 16), ", ".join(["2"] * 16)
    text = f"""g (float[n, 4] x) => (float[n, 4] y)
        <float[4, 4] a = {{{ones}}}, float[4, 4] b = {{{ones}}}, float[4, 4] c = {{{twos}}}, float[16] d = {{{ones}}}>
        {{ p = MatMul (x, a) q = MatMul (p, b) r = MatMul (q, c) s = Reshape (d, h) y = MatMul (r, s) }}"""
    proto = model(text)
    proto.graph.initializer.append(onnx.numpy_helper.from_array(np.array([4, 4]), "h"))
    after, said = same_twice(proto, "deduplicate-weights")
    assert nodes(after)[:2] == ["p = MatMul (x, a)", "q = MatMul (p, a)"]
    assert [t.name for t in after.graph.initializer] == ["a", "c", "d", "h"]
    assert said == ("1 copy of weights (64 bytes) is no longer stored.",)
    assert np.array_equal(run(after, x=X)[0], run(proto, x=X)[0])


def test_minus_zero_is_not_zero_and_texts_are_left_alone() -> None:
    proto = model("g (float[16] x) => (float[16] y) { p = Add (x, a) y = Div (p, b) }")
    for name, value in {"a": 0.0, "b": -0.0}.items():
        proto.graph.initializer.append(onnx.numpy_helper.from_array(np.full(16, value, np.float32), name))
    for name in ("s", "t"):
        proto.graph.initializer.append(onnx.helper.make_tensor(name, onnx.TensorProto.STRING, [1], [b"x" * 99]))
    assert rewritten(proto, "deduplicate-weights")[1] == ()


def test_values_without_shapes_get_them() -> None:
    text = "g (float[n, 4] x) => (float[n, 4] y) { a = Relu (x) b = own.f (a) c = Neg (x) y = Add (b, c) }"
    after, said = same_twice(model(text), "shape-inference")
    shapes = {
        v.name: [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim] for v in after.graph.value_info
    }
    assert shapes == {"a": ["n", 4], "c": ["n", 4]}
    assert said == ("2 values got a type and shape; 1 still has none, which ONNX's inference cannot tell.",)


def test_shapes_that_were_there_stay() -> None:
    text = "g (float[n, 4] x) => (float[m, k] y) <float[n, 4] a> { a = Relu (x) b = Neg (a) y = Relu (b) }"
    after, _ = rewritten(model(text), "shape-inference")
    assert [d.dim_param for d in after.graph.output[0].type.tensor_type.shape.dim] == ["m", "k"]


DOUBLE = """g (double[n, 4] x) => (double[n, 4] y, int64[n] i) <double[4] w = {0.1, 0.2, 0.3, 0.4}> {
    c = Constant <value = double {0.7}> () a = Mul (x, w) b = Add (a, c) h = Cast <to = 1> (b)
    y = Cast <to = 11> (h) i = ArgMax <axis = 1, keepdims = 0> (y) }"""


def test_doubles_become_floats_everywhere() -> None:
    before = model(DOUBLE)
    after, said = same_twice(before, "double-to-float")
    assert b"double" not in onnx.printer.to_text(after).encode()
    assert said[-1] == "Callers pass and get float32 instead of float64: `x`, `y`."
    old, new = run(before, x=X.astype(np.float64)), run(after, x=X)
    assert new[0].dtype == np.float32
    np.testing.assert_allclose(old[0], new[0], rtol=1e-6)
    assert np.array_equal(old[1], new[1])


def test_a_number_that_float32_cannot_hold_stops_it() -> None:
    from onnxmagic.errors import FixFailed

    with pytest.raises(FixFailed, match="`double-to-float` is not possible: `w` holds numbers beyond"):
        rewritten(model(DOUBLE.replace("0.2", "1e300")), "double-to-float")


def casts(*types: int, source: str = "float") -> onnx.ModelProto:
    """x cast to each of `types` in turn."""
    chain = "".join(f"v{k + 1} = Cast <to = {to}> (v{k})" for k, to in enumerate(types))
    return model(
        f"g ({source}[n, 4] v0) => ({onnx.TensorProto.DataType.Name(types[-1]).lower()}[n, 4] y) "
        f"{{ {chain} y = Identity (v{len(types)}) }}"
    )


FLOAT, UINT8, INT8, INT32, INT64, BOOL, HALF, DBL, BF16 = 1, 2, 3, 6, 7, 9, 10, 11, 16


@pytest.mark.parametrize(
    ("source", "types", "left"),
    [
        ("float", (DBL, FLOAT), []),
        ("float16", (FLOAT, DBL, FLOAT), [FLOAT]),
        ("float", (FLOAT,), []),
        ("int8", (INT32, INT64), [INT64]),
        ("int8", (INT32, UINT8), [UINT8]),
        ("bool", (FLOAT, BOOL), []),
        ("float", (HALF, FLOAT), [HALF, FLOAT]),  # rounds
        ("float16", (BF16, FLOAT), [BF16, FLOAT]),  # rounds: fewer bits
        ("float", (INT32, FLOAT), [INT32, FLOAT]),  # cuts fractions off
        ("float", (DBL, INT32), [DBL, INT32]),  # out of range is the runtime's own
        ("int32", (FLOAT, INT32), [FLOAT, INT32]),  # 24 bits hold no int32
    ],
)
def test_only_casts_that_lose_nothing_are_left_out(source: str, types: tuple[int, ...], left: list[int]) -> None:
    proto = casts(*types, source=source)
    after, said = same_twice(proto, "remove-cast-chains")
    assert [n.attribute[0].i for n in after.graph.node if n.op_type == "Cast"] == left
    assert bool(said) == (list(types) != left)
    dtype = onnx.helper.tensor_dtype_to_np_dtype(proto.graph.input[0].type.tensor_type.elem_type)
    if BF16 not in types:
        value = (X * 9).astype(dtype)
        assert np.array_equal(run(proto, v0=value)[0], run(after, v0=value)[0])


def test_a_cast_that_others_read_stays_for_them() -> None:
    text = """g (float[n] x) => (float[n] y, double[n] z) {
        a = Cast <to = 11> (x) y = Cast <to = 1> (a) z = Neg (a) }"""
    after, _ = same_twice(model(text), "remove-cast-chains")
    assert nodes(after) == ["a = Cast <to: int = 11> (x)", "y = Identity (x)", "z = Neg (a)"]


def test_round_trips_through_halves_go_only_by_their_own_name() -> None:
    after, said = same_twice(casts(HALF, FLOAT), "remove-rounding-casts")
    assert said == ("1 round trip through a less precise float type left out.",)
    assert np.array_equal(run(after, v0=X)[0], X)
    assert rewritten(casts(INT32, FLOAT), "remove-rounding-casts")[1] == ()


def axes(proto: onnx.ModelProto) -> list[list[object]]:
    values = [*proto.graph.input, *proto.graph.value_info, *proto.graph.output]
    return [[d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim] for v in values]


def test_made_up_axis_names_become_words() -> None:
    text = "g (float[s77, 4] x, float[s77, s3] k) => (float[s77, 4] y) <float[s77, 4] a> { a = Neg (x) y = Relu (a) }"
    after, said = same_twice(model(text), "rename-axes")
    assert axes(after) == [["batch", 4], ["batch", "k_axis1"], ["batch", 4], ["batch", 4]]
    assert said == ("2 dynamic axes have names now: `s77 → batch` and `s3 → k_axis1`.",)


def test_axes_without_names_are_not_taken_for_equal() -> None:
    after, _ = same_twice(model("g (float[?, 4] x, float[?, 4] z) => (float[?, 4] y) { y = Relu (x) }"), "rename-axes")
    assert axes(after)[:2] == [["x_axis0", 4], ["z_axis0", 4]]


def test_names_that_say_something_stay_and_are_not_given_twice() -> None:
    text = "g (float[s1, batch] x, float[width] w) => (float[s1, batch] y) { y = Relu (x) }"
    after, _ = same_twice(model(text), "rename-axes")
    assert axes(after) == [["batch_2", "batch"], ["width"], ["batch_2", "batch"]]


def test_a_size_that_is_computed_is_renamed_too() -> None:
    proto = model("g (float[s77] x) => (float[m] y) { y = Concat <axis = 0> (x, x) }")
    proto.graph.output[0].type.tensor_type.shape.dim[0].dim_param = "2*s77"
    proto.graph.metadata_props.add(key="pkg.range_constraints", value="{s77: VR[0, 9], s7: VR[1, 2]}")
    after, _ = same_twice(proto, "rename-axes")
    assert axes(after)[-1] == ["2*batch"]
    assert after.graph.metadata_props[0].value == "{batch: VR[0, 9], s7: VR[1, 2]}"


def test_every_rewrite_is_found_documented_and_named_after_its_file() -> None:
    names = [each.name for each in rewrites()]
    assert len(names) == len(set(names)) > 10
    assert all(each.doc and each.rewrite.does for each in rewrites())
    assert [each.name for each in rewrites() if not each.rewrite.codes] == ["rename-axes"]
    assert [each.name for each in mending("OM102")] == ["dropout-to-identity"]


def test_nothing_is_applied_to_a_sound_model() -> None:
    from onnxmagic.fix import Fixes

    proto = model("g (float[batch, 4] x) => (float[batch, 4] y) { y = Relu (x) }")
    everything = [each.name for each in Fixes.make("unsafe").chosen()]
    assert rewritten(proto, *everything)[1] == ()
