"""Two models on the same inputs: what they give, where they part, on what, and what was left out."""

from __future__ import annotations

import math

import numpy as np
import pairs
import pytest
import torch
from pairs import NET, matched, model, parsed
from torch.utils.data import DataLoader, TensorDataset

from onnxmagic.check.finding import Where
from onnxmagic.compared import measured as measuring
from onnxmagic.errors import UsageMistake


def outputs(a, b, renamed=None, **options):
    return measuring.measured(a, b, matched(a, b, renamed), **options).outputs


X = np.arange(12, dtype=np.float32).reshape(3, 4) / 10
RETRAINED = NET.replace("{0.5, -1}", "{0.5, -0.75}")


def test_a_model_beside_itself():
    a, b = model(example={"x": X}), model(name="b.onnx")
    found = outputs(a, b)
    assert found.compared
    assert found.reason == ""
    assert found.on == "your example"
    assert found.samples == 3
    assert [change.name for change in found.outputs] == ["y"]
    assert [change.name for change in found.values] == ["h", "s", "r", "y"]
    assert all(change.max_abs == 0 == change.max_rel for change in (*found.outputs, *found.values))
    assert found.first is None
    assert found.left_out == ""
    assert found.seconds > 0


def test_the_first_value_that_differs_has_its_node_and_the_users_line():
    line = Where(cell=4, line=7, source="return self.fc(x)")
    a = model(example={"x": X}, places={"add": line})
    found = outputs(a, model(RETRAINED, "b.onnx"))
    assert found.first is not None
    assert found.first.name == "s"
    assert found.first.node.op_type == "Add"
    assert found.first.max_abs == pytest.approx(0.25)
    assert found.first.max_rel == pytest.approx(0.25 / np.abs(X @ [[2], [4], [6], [8]] - 1).max())
    assert (found.first.where.cell, found.first.where.line, found.first.where.node) == (4, 7, "add")
    assert found.values[0].max_abs == 0
    assert found.outputs[0].max_abs > 0.25


def test_the_line_may_be_known_to_the_second_alone():
    b = model(RETRAINED, "b.onnx", places={"add": Where(cell=2, line=3)})
    found = outputs(model(), b)
    assert (found.first.where.cell, found.first.where.line) == (2, 3)


def test_a_higher_tolerance_lets_it_pass():
    assert outputs(model(), model(RETRAINED, "b.onnx"), tolerance=10.0).first is None


def test_values_go_by_the_matching_and_not_by_names():
    text = NET.replace("[add] s = Add (h, b)", "[plus] r = Add (h, b)").replace(
        "[relu] r = Relu (s)", "[act] s = Relu (r)"
    )
    found = outputs(model(), model(text.replace("Exp (r)", "Exp (s)"), "b.onnx"), {"add": "plus", "relu": "act"})
    assert [(change.name, change.other) for change in found.values] == [("h", "h"), ("s", "r"), ("r", "s"), ("y", "y")]
    assert found.first is None


def test_without_an_example_inputs_are_made_up():
    found = outputs(model(), model(RETRAINED, "b.onnx"))
    assert found.on == "made-up inputs"
    assert found.samples > 0


def test_the_example_of_the_second_serves_too():
    assert outputs(model(), model(name="b.onnx", example={"x": X})).on == "your example"


def test_on_the_users_data_all_batches_are_compared():
    batches = [{"x": X}, {"x": 10 * X}, {"x": X[:1]}]
    found = outputs(model(), model(RETRAINED, "b.onnx"), data=iter(batches))
    assert (found.on, found.samples) == ("your data", 7)
    found = outputs(model(), model(RETRAINED, "b.onnx"), data=batches, samples=4)
    assert found.samples == 4


def test_labels_of_the_users_data_are_left_out():
    assert outputs(model(), model(name="b.onnx"), data=[(X, np.zeros(3))]).samples == 3


def test_data_that_do_not_fit_are_a_mistake_of_the_call():
    with pytest.raises(UsageMistake, match="the file wants `x`"):
        outputs(model(), model(name="b.onnx"), data=[{"z": X}])


def test_data_that_break_off_are_compared_up_to_there():
    def broken():
        yield {"x": X}
        raise OSError("the disk is gone")

    found = outputs(model(), model(name="b.onnx"), data=broken())
    assert found.compared
    assert found.samples == 3
    assert "The data failed after 3 samples" in found.left_out
    assert "the disk is gone" in found.left_out


MASKED = NET.replace("float[n, 4] x", "float[n, 4] x, float[n, 4] mask")
DOUBLE = "net (double[n, 4] x) => (double[n, 4] y) { [matmul] y = Exp (x) }"
WIDER = "net (float[n, 5] x) => (float[n, 5] y) { [matmul] y = Exp (x) }"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (MASKED, "only `b.onnx` has an input `mask`"),
        (DOUBLE, "`x` is float32 in `a.onnx` and float64 in `b.onnx`"),
        (WIDER, "`x` is [n, 4] in `a.onnx` and [n, 5] in `b.onnx`"),
    ],
)
def test_other_inputs_are_not_compared_and_said(text, words):
    found = outputs(model(), model(text, "b.onnx"))
    assert not found.compared
    assert found.reason == words
    assert found.values == found.outputs == ()


def test_a_renamed_input_is_known_by_who_reads_it():
    found = outputs(model(), model(NET.replace("] x)", "] input)").replace("MatMul (x,", "MatMul (input,"), "b.onnx"))
    assert found.compared
    assert found.first is None


def test_a_renamed_output_is_known_by_who_makes_it():
    found = outputs(
        model(), model(NET.replace("] y)", "] probabilities)").replace("y = Exp", "probabilities = Exp"), "b.onnx")
    )
    assert [(change.name, change.other) for change in found.outputs] == [("y", "probabilities")]


def test_a_frozen_axis_gets_inputs_of_its_size():
    frozen = NET.replace("float[n, 4] x", "float[1, 4] x").replace("float[n, 2] y", "float[1, 2] y")
    found = outputs(model(), model(frozen, "b.onnx"))
    assert (found.compared, found.samples) == (True, 1)
    found = outputs(model(example={"x": X}), model(frozen, "b.onnx"))
    assert (found.compared, found.on) == (True, "made-up inputs")


def test_a_size_frozen_inside_is_found_from_the_other_side():
    inside = "net (float[n, 4] x) => (float[n, 4] y) <int64[2] s = {3, 4}> { [relu] r = Relu (x) y = Reshape (r, s) }"
    plain = "net (float[n, 4] x) => (float[n, 4] y) { [relu] r = Relu (x) y = Identity (r) }"
    assert outputs(model(plain), model(inside, "b.onnx")).samples == 3


NAN = "net (float[2] x) => (float[2] y) { [log] l = Log (x) [exp] y = Exp (l) }"
NO_NAN = NAN.replace("[log] l = Log (x)", "a = Abs (x) [log] l = Log (a)")


def test_nan_is_counted_and_far_away_where_one_has_it_alone():
    x = {"x": np.array([-1, 2], np.float32)}
    both = outputs(model(NAN, example=x), model(NAN, "b.onnx"))
    assert (both.values[0].nan, both.values[0].max_abs, both.first) == ((1, 1), 0.0, None)
    one = outputs(model(NAN, example=x), model(NO_NAN, "b.onnx"))
    assert one.first.name == "l"
    assert (one.first.nan, one.first.max_rel) == ((1, 0), math.inf)


def test_an_output_of_another_shape_is_as_far_as_can_be():
    flat = NET.replace("float[n, 2] y", "float[m] y").replace("y = Exp (r)", "e = Exp (r) y = Flatten (e)")
    flat = flat.replace(
        "e = Exp (r) y = Flatten (e)", "e = Exp (r) z = Constant <value_ints = [-1]> () y = Reshape (e, z)"
    )
    found = outputs(model(example={"x": X}), model(flat.replace("[exp] e", "[flat] e"), "b.onnx"))
    assert found.outputs[0].max_rel == math.inf
    assert found.outputs[0].shapes == ((3, 2), (6,))
    assert found.first == found.outputs[0]


def test_a_value_of_another_shape_inside_is_left_out_and_said():
    wide = NET.replace("float[4, 2] w = {1, 2, 3, 4, 5, 6, 7, 8}", "float[4, 1] w = {1, 2, 3, 4}")
    found = outputs(model(example={"x": X}), model(wide, "b.onnx"))
    assert [change.name for change in found.values] == ["s", "r", "y"]
    assert "`h` has another shape in `b.onnx`" in found.left_out


def test_an_integer_output_is_compared():
    text = "net (float[n, 4] x) => (int64[n] y) { [arg] y = ArgMax <axis = 1, keepdims = 0> (x) }"
    other = text.replace("ArgMax", "ArgMin")
    found = outputs(model(text, example={"x": X}), model(other, "b.onnx"))
    assert found.outputs[0].max_abs == 3
    assert found.values == ()


def test_a_file_from_anywhere_runs_apart(tmp_path, monkeypatch):
    def here(*args, **kwargs):
        raise AssertionError("a stranger's file was run in this process")

    monkeypatch.setattr("onnxmagic.runtime.ort.OnnxRuntime.load", here)
    path = tmp_path / "a.onnx"
    path.write_bytes(parsed().SerializeToString())
    found = outputs(model(path, own=False), model(RETRAINED, "b.onnx", own=False))
    assert found.first.name == "s"
    assert sorted(tmp_path.iterdir()) == [path]


def test_a_file_that_does_not_load_is_a_reason():
    text = "net (float[n, 4] x) => (float[n, 4] y) { [matmul] y = nobody.Knows (x) }"
    foreign = pairs.onnx.parser.parse_model('<ir_version: 10, opset_import: ["" : 20, "nobody" : 1]> ' + text)
    found = outputs(model(), model(foreign, "b.onnx", own=False))
    assert not found.compared
    assert "the runtime does not load `b.onnx`" in found.reason


def beside(folder):
    """Write the model, its weights in a second file."""
    proto = parsed()
    for weight in proto.graph.initializer:
        weight.CopyFrom(pairs.onnx.numpy_helper.from_array(pairs.onnx.numpy_helper.to_array(weight), weight.name))
    pairs.onnx.save(proto, folder / "a.onnx", save_as_external_data=True, location="w", size_threshold=0)
    return folder / "a.onnx"


def test_weights_that_are_not_there_are_a_reason(tmp_path):
    path = beside(tmp_path)
    (tmp_path / "w").unlink()
    found = outputs(model(path, own=False), model(name="b.onnx"))
    assert found.reason == "the weights of `a.onnx` are not all there"


def test_weights_in_a_second_file_are_run(tmp_path):
    path = beside(tmp_path)
    for own in (True, False):
        found = outputs(model(path, own=own), model(RETRAINED, "b.onnx", own=own))
        assert found.first.name == "s"


def test_there_may_be_no_file_any_more():
    a = model()
    gone = pairs.Model(pairs.Side("a.onnx", a.side.graph, a.side.outline))
    assert outputs(gone, a).reason == "there is no file of `a.onnx` any more"


def test_nodes_that_draw_random_numbers_are_said():
    text = "net (float[4] x) => (float[4] y) { [draw] r = RandomNormalLike (x) [add] y = Add (x, r) }"
    found = outputs(model(text), model(text, "b.onnx"))
    assert "`RandomNormalLike` draws random numbers" in found.left_out


def test_bodies_are_run_and_their_values_stay_inside():
    text = """net (bool c, float[4] x) => (float[4] y) {
        [choose] h = If (c) < then_branch = yes () => (float[4] a) { [neg] a = Neg (x) },
                              else_branch = no () => (float[4] b) { [abs] b = Abs (x) } >
        [exp] y = Exp (h) }"""
    found = outputs(model(text), model(text.replace("Abs", "Relu"), "b.onnx"))
    assert [change.name for change in found.values] == ["h", "y"]


def test_an_output_that_is_no_array_of_numbers_is_said():
    text = "net (float[n, 4] x) => (seq(float[n, 4]) y) { [relu] r = Relu (x) [list] y = SequenceConstruct (r) }"
    found = outputs(model(text), model(text, "b.onnx"))
    assert [change.name for change in found.values] == ["r"]
    assert found.outputs == ()
    assert found.left_out == "`y` is no array of numbers."


def test_bits_of_a_type_without_arithmetic_are_no_numbers():
    text = "net (float[n, 4] x) => (float8e4m3fn[n, 4] y) { [relu] r = Relu (x) [eight] y = Cast <to = 17> (r) }"
    assert outputs(model(text), model(text, "b.onnx")).left_out == "`y` is no array of numbers."


def test_two_that_have_no_value_in_common():
    other = "net (float[n, 4] x) => (float[n, 4] z) { [other] z = Relu (x) }"
    found = outputs(model(), model(other, "b.onnx"))
    assert (found.compared, found.reason) == (False, "they have no value in common")


def test_a_shuffling_loader_leaves_the_random_state_alone():
    torch.manual_seed(3)
    loader = DataLoader(TensorDataset(torch.randn(8, 4)), batch_size=4, shuffle=True)
    before = torch.get_rng_state()
    assert outputs(model(), model(name="b.onnx"), data=loader, samples=6).samples == 6
    assert torch.equal(torch.get_rng_state(), before)


def test_progress_is_told():
    said = []
    outputs(model(example={"x": X}), model(name="b.onnx"), progress=said.append)
    assert "compare: 3 samples" in said
