"""Which axes the file declares, and that each declaration is true."""

import onnxruntime
import pytest
import torch
from models import Lambda
from torch import nn

import onnxmagic

ROW = torch.randn(1, 8)


def export(function, x=ROW, **options):
    parts = options.pop("parts", {})
    return onnxmagic.export(Lambda(function, **parts).eval(), (x,), **options)


def codes(result):
    return {finding.code for finding in result.findings}


def shape_in_file(result):
    return result.graph.inputs[0].shape


def test_batch_of_eight_is_tried_at_its_own_size_too():
    result = export(lambda s, x: s.l(x), torch.randn(8, 8), parts={"l": nn.Linear(8, 4)})
    assert result.axes[0].sizes == (1, 2, 4, 8)


def test_int_of_the_batch_size_is_rescued():
    assert export(lambda s, x: x.reshape(int(x.shape[0]), 2, 4)).axes[0].status == "proved"


def test_loop_over_the_batch_falls_back_to_static_with_the_reason():
    result = export(lambda s, x: torch.stack([x[i] * 2 for i in range(x.shape[0])]))
    assert shape_in_file(result) == (1, 8)
    assert result.axes[0].status == "refused"
    assert "constant" in result.axes[0].reason
    assert codes(result) == {"OM201"}


def test_branch_on_the_batch_size_is_an_error():
    result = export(lambda s, x: x if x.shape[0] == 1 else x * 2)
    assert codes(result) == {"OM204"}
    assert not result.ok
    assert shape_in_file(result) == (1, 8)


def test_branch_is_found_from_a_larger_example_too():
    assert "OM204" in codes(export(lambda s, x: x if x.shape[0] == 1 else x * 2, torch.randn(4, 8)))


def test_output_that_does_not_grow_is_a_misread_batch():
    result = export(lambda s, x: x.view(1, -1))
    assert codes(result) == {"OM203"}
    assert shape_in_file(result) == (1, 8)


def test_model_that_refuses_other_sizes_names_its_line():
    result = export(lambda s, x: x + torch.ones(1, 8).reshape(x.shape))
    finding = next(f for f in result.findings if f.code == "OM203")
    assert finding.where.file == "test_axes.py"
    assert "reshape" in (finding.where.source or "")


def test_samples_that_depend_on_each_other_are_reported_and_stay_dynamic():
    result = export(lambda s, x: x.softmax(0))
    assert codes(result) == {"OM105"}
    assert result.axes[0].status == "proved"


def test_optimizer_crash_is_retried_and_the_false_axis_given_up():
    result = export(lambda s, x: torch.cat(x.chunk(2, 0)), torch.randn(4, 8))
    assert result.axes[0].status == "refused"
    assert shape_in_file(result) == (4, 8)
    assert result.parity.ok


def test_output_whose_size_depends_on_values_is_no_misread_batch():
    assert export(lambda s, x: x[x > 0]).axes[0].status == "proved"


def test_static_on_request_is_said_and_makes_no_finding():
    result = export(lambda s, x: x * 2, static=True)
    assert [(a.status, a.reason) for a in result.axes] == [("static", "as asked")]
    assert result.findings == ()
    assert len(result.parity.cases) == 2


def test_scalar_input_has_no_axes():
    result = export(lambda s, x: x * 2, torch.tensor(3.0))
    assert result.axes == ()
    assert result.parity.ok


def test_asked_axis_is_proved_at_another_size():
    x = torch.randn(1, 3, 16, 16)
    result = export(lambda s, x: s.c(x), x, parts={"c": nn.Conv2d(3, 2, 3)}, dynamic={"x": {2: "height"}})
    height = next(a for a in result.axes if a.name == "height")
    assert (height.status, len(height.sizes)) == ("proved", 2)
    assert shape_in_file(result) == ("batch", 3, "height", 16)


def test_asked_axis_the_model_refuses_stays_static():
    result = export(lambda s, x: s.l(x), parts={"l": nn.Linear(8, 4)}, dynamic={"x": [1]})
    refused = next(a for a in result.axes if a.index == 1)
    assert refused.status == "refused"
    assert "mat1 and mat2" in refused.reason
    assert shape_in_file(result) == ("batch", 8)


def test_asked_axis_takes_the_others_of_its_size_along():
    class Masked(nn.Module):
        def forward(self, ids, mask):
            return ids * mask

    result = onnxmagic.export(Masked(), (torch.ones(2, 7), torch.ones(2, 7)), dynamic={"ids": {1: "sequence"}})
    assert [v.shape for v in result.graph.inputs] == [("batch", "sequence")] * 2
    assert {a.status for a in result.axes} == {"proved"}


def test_asked_batch_gets_the_asked_name():
    assert shape_in_file(export(lambda s, x: x * 2, dynamic={"x": {0: "N"}})) == ("N", 8)


def test_only_asked_axes_with_static():
    result = export(lambda s, x: x * 2, torch.randn(2, 8), static=True, dynamic={"x": {-1: "width"}})
    assert shape_in_file(result) == (2, "width")


def test_names_survive_beside_numbers():
    class Scaled(nn.Module):
        def forward(self, x, scale, y):
            return x * scale + y

    result = onnxmagic.export(Scaled(), (ROW, 2.0, ROW.clone()))
    assert [v.shape for v in result.graph.inputs] == [("batch", 8)] * 2


def test_file_runs_at_a_size_nobody_tried(tmp_path):
    export(lambda s, x: s.l(x), parts={"l": nn.Linear(8, 4)}, output=tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "m.onnx"))
    assert session.run(None, {"x": torch.randn(17, 8).numpy()})[0].shape == (17, 4)


@pytest.mark.parametrize(
    ("dynamic", "message"),
    [
        ({"y": [0]}, "the tensors of the call are x"),
        ({"xx": [0]}, "Did you mean 'x'"),
        ({"x": [5]}, "axis 5 of x, which has shape"),
        ({"x": {0: "n", 1: "n"}}, "different sizes"),
        ("everything", "must be 'auto' or a dict"),
        ({"x": "height"}, "must be like"),
    ],
)
def test_wrong_axes_are_said_before_the_export(dynamic, message):
    with pytest.raises(onnxmagic.UsageMistake, match=message):
        export(lambda s, x: x * 2, dynamic=dynamic)
