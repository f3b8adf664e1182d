"""Any value of a graph: of an export on its example, of a file on made-up inputs, apart, and nothing left behind."""

from __future__ import annotations

import files
import numpy as np
import pytest
import torch

import onnxmagic
from onnxmagic.errors import UsageMistake, ValueUnavailable


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first = torch.nn.Linear(4, 8)
        self.second = torch.nn.Linear(8, 2)

    def forward(self, x):
        return self.second(torch.relu(self.first(x)))


X = torch.randn(3, 4)


@pytest.fixture(scope="module")
def net():
    return Net().eval()


@pytest.fixture(scope="module")
def export(net):
    return onnxmagic.export(net, (X,))


def output_of(result, op_type: str) -> str:
    return next(node.outputs[0] for node in result.graph.nodes if node.op_type == op_type)


def test_a_value_of_an_export_is_what_pytorch_has_there(export, net):
    with torch.no_grad():
        hidden = torch.relu(net.first(X)).numpy()
    assert np.allclose(export.value(output_of(export, "Relu")), hidden, atol=1e-6)
    assert np.allclose(export.value(export.graph.outputs[0].name), net(X).detach().numpy(), atol=1e-6)
    assert np.array_equal(export.value("x"), X.numpy())
    assert np.array_equal(export.value("first.weight"), net.first.weight.detach().numpy())


def test_the_example_is_a_copy(net):
    mine = torch.ones(2, 4)
    export = onnxmagic.export(net, (mine,), prove=False)
    mine.zero_()
    assert (export.value("x") == 1).all()


def test_other_inputs(export, net):
    other = torch.randn(5, 4, requires_grad=True)
    name = export.graph.outputs[0].name
    assert np.allclose(export.value(name, {"x": other}), net(other).detach().numpy(), atol=1e-6)
    assert export.value(name, {"x": other.tolist()}).shape == (5, 2)
    assert export.value(name).shape == (3, 2)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "inputs are the arrays of `x`, by name; `x` is missing."),
        ({"x": X, "y": X}, "inputs are the arrays of `x`, by name; there is no input `y`."),
        ({"x": [["a"]]}, "`x` is float32 in the file, and what was given is <U1."),
    ],
)
def test_inputs_that_are_wrong(export, inputs, message):
    with pytest.raises(UsageMistake) as caught:
        export.value(output_of(export, "Relu"), inputs)
    assert str(caught.value) == message


def test_inputs_that_the_model_refuses(export):
    with pytest.raises(ValueUnavailable, match=r"The file does not run with `relu` given away: .*Got"):
        export.value(output_of(export, "Relu"), {"x": np.ones((3, 5), np.float32)})


def test_a_value_is_kept_and_read_only(export):
    name = output_of(export, "Relu")
    first = export.value(name)
    assert export.value(name) is first
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 1


def test_names_that_are_not_there(export):
    with pytest.raises(UsageMistake, match=r"There is no value `relue` in the graph. Did you mean `relu`"):
        export.value("relue")
    with pytest.raises(UsageMistake, match="There is no value `` in the graph"):
        export.value("")


def test_weights_in_a_second_file_and_nothing_is_written_beside_it(tmp_path):
    wide = torch.nn.Sequential(torch.nn.Linear(4, 4096), torch.nn.ReLU(), torch.nn.Linear(4096, 2)).eval()
    export = onnxmagic.export(wide, (X,), output=tmp_path / "net.onnx", external_data=True, prove=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.onnx", "net.onnx.data"]
    before = tmp_path.stat().st_mtime_ns
    with torch.no_grad():
        hidden = wide[:2](X).numpy()
    assert np.allclose(export.value(output_of(export, "Relu")), hidden, atol=1e-6)
    shown = onnxmagic.show(export.path)
    assert np.allclose(shown.value(output_of(shown, "Relu"), {shown.graph.inputs[0].name: X}), hidden, atol=1e-6)
    assert tmp_path.stat().st_mtime_ns == before


def test_an_export_whose_file_was_changed(net, tmp_path):
    export = onnxmagic.export(net, (X,), output=tmp_path / "net.onnx", prove=False)
    files.saved(export.path)
    with pytest.raises(UsageMistake, match="has been changed since this export"):
        export.value(output_of(export, "Relu"))


def test_a_large_example_is_not_kept(tmp_path):
    large = torch.zeros(17_000_000)
    export = onnxmagic.export(torch.nn.ReLU(), (large,), prove=False)
    name = export.graph.outputs[0].name
    assert export.example == {}
    with pytest.raises(UsageMistake, match=r"The example is larger than 64 MB, .* Pass inputs: .value\('"):
        export.value(name)
    assert export.value(name, {export.graph.inputs[0].name: large}).shape == (17_000_000,)


@pytest.mark.parametrize("look", [onnxmagic.show, lambda path: onnxmagic.check(path, run=False)], ids=["show", "check"])
def test_a_file_runs_on_made_up_inputs(tmp_path, look):
    result = look(files.saved(tmp_path / "net.onnx"))
    x, h = result.value("x"), result.value("h")
    assert x.shape[1] == 4
    assert np.allclose(h, x @ result.weight("w"), atol=1e-5)
    assert result.inside.value("h").on == "made-up inputs"
    assert sorted(tmp_path.iterdir()) == [tmp_path / "net.onnx"]


@pytest.mark.parametrize("given", [lambda model: model.SerializeToString(), lambda model: model])
def test_a_model_in_memory(given):
    shown = onnxmagic.show(given(files.parsed()))
    assert shown.value("s", {"x": np.ones((1, 4))}).tolist() == [[16.5, 19.0]]


def test_a_value_in_a_branch(tmp_path):
    shown = onnxmagic.show(files.saved(tmp_path / "net.onnx", files.BRANCH))
    assert shown.value("y", {"c": False, "x": [-1, 2, -3, 4]}).tolist() == [1, 2, 3, 4]
    with pytest.raises(UsageMistake, match=r"`a` is computed inside `choose` \(If\), and a run gives away only"):
        shown.value("a")


def test_a_file_that_was_changed(tmp_path):
    shown = onnxmagic.show(files.saved(tmp_path / "net.onnx"))
    files.saved(tmp_path / "net.onnx", files.BRANCH)
    for ask in (lambda: shown.value("h"), lambda: shown.weight("w")):
        with pytest.raises(UsageMistake, match="has been changed since it was read"):
            ask()


def test_a_file_that_brings_the_runtime_down_does_not_bring_this_down(tmp_path):
    text = """<ir_version: 10, opset_import: ["" : 20]> g (float[1] x) => (float y)
    <int64[1] n = {1000000000000}> { z = Expand (x, n) y = ReduceSum (z) }"""
    shown = onnxmagic.show(files.saved(tmp_path / "net.onnx", text))
    with pytest.raises(ValueUnavailable, match="`z`"):
        shown.value("z")


def test_weights_that_are_not_there_keep_it_from_running(tmp_path):
    path = files.weighing(tmp_path / "net.onnx", np.ones(100, np.float32), "net.data")
    (tmp_path / "net.data").unlink()
    with pytest.raises(ValueUnavailable, match="its weights are not all there"):
        onnxmagic.show(path).value("y")


def test_inputs_that_cannot_be_made_up(tmp_path):
    text = '<ir_version: 10, opset_import: ["" : 20]> g (string[2] x) => (string[2] y) { y = Identity (x) }'
    shown = onnxmagic.show(files.saved(tmp_path / "net.onnx", text))
    with pytest.raises(ValueUnavailable, match=r"input `x` is of type string. Pass inputs: \{'x': array\}"):
        shown.value("y")


def test_the_check_of_a_model_keeps_no_file(net):
    check = onnxmagic.check(net, (X,), run=False)
    with pytest.raises(UsageMistake, match="No file of Net was kept"):
        check.value("relu")


def test_torch_is_not_needed_for_a_file(tmp_path):
    import subprocess
    import sys

    program = (
        "import sys, onnxmagic; s = onnxmagic.show(sys.argv[1]); s.value('h'); s.weight('w'); str(s)\n"
        "s.selected = 'relu'; print('torch' in sys.modules)"
    )
    command = [sys.executable, "-c", program, str(files.saved(tmp_path / "net.onnx"))]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False\n"
