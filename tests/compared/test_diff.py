"""``onnxmagic.diff``: what can be compared, what becomes of what cannot, and that nothing is claimed or touched."""

from __future__ import annotations

import copy

import numpy as np
import onnx
import onnx.parser
import pytest
import torch

import onnxmagic
from onnxmagic.errors import DiffFound, UsageMistake

NET = """<ir_version: 10, opset_import: ["" : 20]> net (float[n, 4] x) => (float[n, 2] y)
<float[4, 2] w = {1, 2, 3, 4, 5, 6, 7, 8}> { [fc] h = MatMul (x, w) [act] y = Relu (h) }"""
OTHER = """<ir_version: 10, opset_import: ["" : 20]> other (int64[2, 3, 5] ids) => (bool[2] flag)
{ [c] f = Cast <to = 1> (ids) [s] m = ReduceSum <keepdims = 0> (f) [q] u = Unsqueeze (m, axes) [e] t = Expand (u, shape)
  [g] flag = Greater (t, zero) }"""


def model(text: str = NET) -> onnx.ModelProto:
    return onnx.parser.parse_model(text)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.body = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Dropout())
        self.head = torch.nn.Linear(8, 2)

    def forward(self, image):
        return self.head(self.body(image))


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return Net()


@pytest.fixture(scope="module")
def image():
    return torch.randn(3, 4)


@pytest.fixture(scope="module")
def export(net, image):
    return onnxmagic.export(net, (image,), prove=False)


@pytest.fixture
def path(tmp_path):
    onnx.save(model(), tmp_path / "net.onnx")
    return tmp_path / "net.onnx"


# ---------------------------------------------------------------------------------------------------------- what may be


def test_every_kind_of_target_is_the_same_model(path):
    check, shown = onnxmagic.check(path, run=False), onnxmagic.show(path)
    for target in (path, str(path), path.read_bytes(), onnx.load(path), check, shown):
        diff = onnxmagic.diff(path, target, run=False)
        assert diff.identical, type(target)
        assert diff.nodes.same == 2


def test_a_model_with_its_example_is_exported_as_the_other_was(net, image):
    before = onnxmagic.export(net, (image,), prove=False, opset=19, static=True)
    training, state = net.training, copy.deepcopy(net.state_dict())
    random = torch.get_rng_state()
    diff = onnxmagic.diff(before, (net, (image,)))
    assert diff.identical
    assert diff.b.graph.opset == 19
    assert (diff.outputs.compared, diff.outputs.on) == (True, "your example")
    assert net.training == training
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(value, state[name]) for name, value in net.state_dict().items())
    named = onnxmagic.export(net, (image,), prove=False, dynamic={"image": {0: "rows"}})
    assert onnxmagic.diff((net, (), {"image": image}), named, run=False).signature.changes == ()


def test_two_models(net, image):
    other = copy.deepcopy(net)
    other.head.bias.data += 1
    diff = onnxmagic.diff((net, (image,)), (other, (image,)))
    assert [(change.name, round(change.max_abs, 5)) for change in diff.weights.changed] == [("head.bias", 1.0)]
    assert (diff.a.name, diff.b.name) == ("Net (first)", "Net (second)")


def test_one_export_with_itself(export):
    diff = onnxmagic.diff(export, export)
    assert diff.identical
    assert diff.outputs.first is None
    assert "Both are one and the same." in diff.notes
    assert diff.findings == onnxmagic.diff(export, export, run=False).findings


def test_files_of_one_name_are_told_apart_by_their_folders(path, tmp_path):
    (tmp_path / "old").mkdir()
    onnx.save(model(), tmp_path / "old" / "net.onnx")
    diff = onnxmagic.diff(tmp_path / "old" / "net.onnx", path, run=False)
    assert (diff.a.name, diff.b.name) == ("old/net.onnx", f"{tmp_path.name}/net.onnx")


def test_data_are_run_by_both(path):
    diff = onnxmagic.diff(
        path, model(NET.replace("7, 8", "7, 9")), data=[{"x": np.ones((6, 4), np.float32)}], samples=4
    )
    assert (diff.outputs.on, diff.outputs.samples) == ("your data", 4)
    assert diff.outputs.outputs[0].max_abs == 1.0


def test_findings_that_appeared_and_vanished():
    unused = NET.replace("(float[n, 4] x)", "(float[n, 4] x, float[3] mask)")
    diff = onnxmagic.diff(model(), model(unused), run=False)
    assert [finding.name for finding in diff.findings.appeared] == ["unused-input"]
    assert diff.findings.vanished == ()
    back = onnxmagic.diff(model(unused), model(), run=False)
    assert [finding.name for finding in back.findings.vanished] == ["unused-input"]
    # Another name of a node is no other finding.
    renamed = unused.replace("[fc]", "[a]").replace("[act]", "[b]")
    assert onnxmagic.diff(model(unused), model(renamed), run=False).findings.appeared == ()


def test_findings_of_two_exports_are_their_own(net, image, export):
    trained = onnxmagic.export(net, (image,), prove=False, train=True)
    found = onnxmagic.diff(export, trained, run=False).findings
    assert found.reason == ""
    codes = {finding.code for finding in export.findings} ^ {finding.code for finding in trained.findings}
    assert {finding.code for finding in (*found.appeared, *found.vanished)} == codes


# --------------------------------------------------------------------------------------------------------- what is gone


def test_a_file_that_was_replaced_since_is_still_compared_by_its_structure(net, image, tmp_path):
    first = onnxmagic.export(net, (image,), prove=False, output=tmp_path / "m.onnx")
    other = copy.deepcopy(net)
    other.head.bias.data += 1
    second = onnxmagic.export(other, (image,), prove=False, output=tmp_path / "m.onnx")
    diff = onnxmagic.diff(first, second)
    assert (diff.nodes.added, diff.nodes.removed) == ((), ())
    assert (diff.weights.changed, diff.identical) == ((), False)
    assert not diff.outputs.compared
    assert any("has been changed since this export" in note for note in diff.notes)
    assert diff.violations("weights")


def test_a_check_of_a_model_has_a_structure_alone(net, image, export):
    diff = onnxmagic.diff(onnxmagic.check(net, (image,), run=False), export)
    assert not diff.outputs.compared
    assert any(note.startswith("No file of Net was kept") for note in diff.notes)


def test_a_missing_file_of_weights(tmp_path, path):
    big = model()
    stored = big.graph.initializer[0]
    stored.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(stored), stored.name))
    onnx.save(big, tmp_path / "big.onnx", save_as_external_data=True, location="big.data", size_threshold=0)
    (tmp_path / "big.data").unlink()
    diff = onnxmagic.diff(path, tmp_path / "big.onnx")
    assert diff.nodes.same == 2
    assert [name for name, _ in diff.weights.unread] == ["w"]
    assert not diff.identical
    assert not diff.outputs.compared
    assert "weights" in diff.outputs.reason


def test_two_that_share_nothing_are_not_matched(path):
    text = OTHER.replace(
        "(bool[2] flag)\n", "(bool[2] flag)\n<int64[1] axes = {0}, int64[1] shape = {2}, float zero = {0}>\n"
    )
    diff = onnxmagic.diff(path, model(text))
    assert diff.matching.pairs == ()
    assert "share nothing" in diff.summary
    assert not diff.outputs.compared


def test_other_inputs_are_not_run(path):
    diff = onnxmagic.diff(
        path, model(NET.replace("float[n, 4] x", "float[n, 4] x, float[2] z").replace("Relu (h)", "Add (h, z)"))
    )
    assert not diff.outputs.compared
    assert "`z`" in diff.outputs.reason


# -------------------------------------------------------------------------------------------------------- what is asked


def test_a_pin_is_a_name_an_index_or_an_output(path):
    sigmoid = model(NET.replace("Relu", "Sigmoid"))
    for pins in ([("act", "act")], {"act": "act"}, [(1, 1)], [("y", "y")]):
        pair = next(pair for pair in onnxmagic.diff(path, sigmoid, pins=pins, run=False).matching.pairs if pair.a == 1)
        assert (pair.b, pair.reason) == (1, "pinned")


def test_assert_only_and_the_gate(path):
    weights = model(NET.replace("7, 8", "7, 9"))
    onnxmagic.diff(path, weights, run=False, fail_on="breaking").assert_only(weights=True)
    with pytest.raises(DiffFound, match="the ModelProto does not pass --fail-on weights: 1 weight"):
        onnxmagic.diff(path, weights, run=False, fail_on="weights")
    with pytest.raises(DiffFound) as found:
        onnxmagic.diff(path, weights, run=False).assert_only(structure=True)
    assert found.value.diff.weights.changed


def test_markdown_is_written_even_when_the_gate_closes(path, tmp_path):
    with pytest.raises(DiffFound):
        onnxmagic.diff(path, model(NET.replace("Relu", "Tanh")), run=False, fail_on="any", markdown=tmp_path / "d.md")
    assert "Relu → Tanh" in (tmp_path / "d.md").read_text("utf-8")


def test_an_interrupt_of_the_run_leaves_the_rest(path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("onnxmagic.compared.numbers.Comparison.on", stop)
    diff = onnxmagic.diff(path, model(NET.replace("7, 8", "7, 9")))
    assert (diff.outputs.compared, diff.outputs.reason) == (False, "interrupted")
    assert diff.weights.changed


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (b"no model", "cannot be compared: "),
        (3, "int; pass a torch.nn.Module"),
        ("nowhere.onnx", "There is no file nowhere.onnx."),
        (Net(), "A model needs the inputs that it is called with; pass (model, (x,))"),
        ((Net(), torch.zeros(1)), "A model is passed with its example, (model, (x,))"),
        (Net, "Net is a class; make a module of it first"),
        ({"a": 1}, "This is a dict"),
    ],
)
def test_what_cannot_be_compared(path, target, message):
    with pytest.raises(UsageMistake) as mistake:
        onnxmagic.diff(path, target)
    assert message in str(mistake.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fail_on": "error"}, "fail_on is 'error'; it must be 'breaking', 'structure'"),
        ({"tolerance": -1}, "tolerance is -1; it must be a number from 0 on"),
        ({"tolerance": "small"}, "tolerance is 'small'"),
        ({"run": False, "time": True}, "time means running both models, and run=False"),
        ({"run": False, "data": [1]}, "data means running both"),
        ({"data": "loader"}, "data is a text or a path"),
        ({"data": 3}, "data is a int; it must be batches"),
        ({"samples": 0}, "samples is 0"),
        ({"pins": "act=act"}, "pins is the text 'act=act'"),
        ({"pins": ["act"]}, "pins holds 'act'; it must hold pairs"),
        ({"pins": [("act", "atc")]}, "the ModelProto has no node `atc` to pin. Did you mean `act`?"),
        ({"pins": [(7, 0)]}, "net.onnx has no node 7, but 0 to 1."),
        ({"pins": [("fc", "fc"), ("fc", "act")]}, "`fc` of net.onnx is pinned twice."),
        ({"markdown": "no/such/d.md"}, "The folder "),
        ({"markdown": "d.onnx"}, "markdown is where the report goes; d.onnx is the name of a model."),
    ],
)
def test_options_that_are_wrong(path, options, message):
    with pytest.raises(UsageMistake) as mistake:
        onnxmagic.diff(path, model(), **options)
    assert str(mistake.value).startswith(message)
