"""What the proof says is what was measured."""

import pytest
import torch
from models import Deaf, Lambda, Tiny, WrongAverage
from torch import nn
from torch.nn import functional

import onnxmagic
from onnxmagic.export import referee

X = torch.randn(1, 8)


def export(function, x=X, **options):
    parts = options.pop("parts", {})
    return onnxmagic.export(Lambda(function, **parts).eval(), (x,), **options)


def codes(result):
    return {finding.code for finding in result.findings}


def test_a_sound_model_is_judged_by_float64(shared):
    assert shared.ok
    assert [dict(c.sizes) for c in shared.parity.cases] == [{"batch": 1}, {"batch": 2}, {"batch": 4}]
    assert [c.inputs for c in shared.parity.cases] == ["example", "varied", "varied"]
    assert {c.reference for c in shared.parity.cases} == {"float64"}
    assert all(0 <= c.ratio <= 8 for c in shared.parity.cases)
    assert all(c.agreement == 1.0 for c in shared.parity.cases)
    assert shared.parity.deterministic is True


def test_wrong_translation_is_found_and_named_so():
    result = onnxmagic.export(WrongAverage(), (torch.randn(1, 1, 4, 4),))
    assert not result.ok
    assert not result.parity.ok
    assert "OM401" in codes(result)
    assert "translated wrongly" in result.parity.cases[0].reason
    assert {a.status for a in result.axes} == {"declared"}


def test_runtime_that_only_rounds_worse_is_no_bug():
    x = torch.randn(1, 196608, generator=torch.Generator().manual_seed(3))
    result = export(lambda s, x: x.sum(1), x)
    assert result.parity.ok
    assert max(c.ratio for c in result.parity.cases) > 8
    assert "the translation is right" in max(result.parity.cases, key=lambda c: c.ratio).reason


def test_nan_and_infinity_are_compared_before_values():
    result = export(lambda s, x: functional.logsigmoid(x), X.abs() * -200 - 120)
    assert "OM402" in codes(result)
    assert not result.parity.ok


def test_masked_scores_of_minus_infinity_are_fine():
    result = export(lambda s, x: x.masked_fill(torch.arange(8) > 5, float("-inf")))
    assert result.parity.ok
    assert codes(result) == set()


def test_complex_output_does_not_match():
    result = export(lambda s, x: torch.fft.rfft(x))
    assert "OM404" in codes(result)


def test_random_file_is_said_and_not_compared():
    result = export(lambda s, x: x + torch.randn_like(x))
    assert {"OM104", "OM407"} <= codes(result)
    assert "OM405" not in codes(result)  # OM104 names the cause
    assert result.parity.cases == ()
    assert not result.parity.ok
    assert result.parity.deterministic is False
    assert {a.status for a in result.axes} == {"declared"}


def test_randomness_of_python_is_not_taken_for_rounding():
    import random

    result = export(lambda s, x: x * random.random())
    assert not result.parity.ok
    assert "two answers" in result.parity.reason
    assert "OM407" in codes(result)


def test_a_little_randomness_is_not_taken_for_rounding_either():
    import random

    random.seed(0)
    result = export(lambda s, x: x * (1 + 1e-4 * random.random()))
    assert not result.parity.ok
    assert "two answers" in result.parity.reason


def test_live_dropout_is_found_though_the_runtime_hides_it():
    result = export(lambda s, x: functional.dropout(x, 0.5))
    assert "OM102" in codes(result)
    assert result.parity.deterministic is False
    assert not result.ok


def test_dropout_deaf_to_eval_is_forced():
    result = onnxmagic.export(Deaf(), (X,))
    assert "OM103" in codes(result)
    assert result.parity.ok
    assert "Dropout" not in {n.op_type for n in result.graph.nodes}


def test_training_mode_on_request():
    result = onnxmagic.export(Tiny(), (torch.randn(2, 1, 8, 8),), train=True)
    assert "OM101" in codes(result)
    assert not result.parity.ok


def test_type_the_runtime_has_no_kernels_for():
    result = export(lambda s, x: s.l(x), X.bfloat16(), parts={"l": nn.Linear(8, 4).bfloat16()})
    assert codes(result) == {"OM306"}
    assert not result.ok
    assert result.parity.cases == ()
    assert not result.parity.ok


def test_half_precision_is_judged_by_its_own_rounding():
    result = export(lambda s, x: s.l(x), X.half(), parts={"l": nn.Linear(8, 4).half()})
    assert result.parity.ok
    assert {c.reference for c in result.parity.cases} == {"float64"}


def test_integers_must_be_equal():
    result = export(lambda s, x: x.argmax(1))
    assert result.parity.ok
    assert {c.max_abs for c in result.parity.cases} == {0.0}


def test_too_large_for_a_double_copy_is_judged_by_the_type_and_said(monkeypatch):
    monkeypatch.setattr(referee, "MOST_BYTES", 10)
    result = export(lambda s, x: s.l(x), parts={"l": nn.Linear(8, 4)})
    assert result.parity.ok
    assert {c.reference for c in result.parity.cases} == {"float32"}
    assert {c.ratio for c in result.parity.cases} == {None}
    assert "above the limit" in result.parity.reason


def test_slow_float64_runs_are_replaced_by_the_measured_rounding(monkeypatch):
    monkeypatch.setattr(referee, "ALLOWANCE", 0.0)
    result = export(lambda s, x: s.l(x), parts={"l": nn.Linear(8, 4)})
    assert [c.reference for c in result.parity.cases] == ["float64", "float32", "float32"]
    assert all(c.ok and c.ratio is not None for c in result.parity.cases)


def test_model_that_cannot_be_copied_is_judged_by_the_type_and_said():
    class Locked(nn.LSTM):
        def __deepcopy__(self, memo):
            raise TypeError("cannot pickle '_thread.lock' object")

    result = onnxmagic.export(Locked(8, 4, batch_first=True), (X[None],))
    assert result.parity.ok
    assert {c.reference for c in result.parity.cases} == {"float32"}
    assert "thread.lock" in result.parity.reason


def test_float32_inside_the_model_does_not_cap_the_reference():
    result = export(
        lambda s, x: s.l(x).float().to(torch.float32) * torch.ones(4, dtype=torch.float32), parts={"l": nn.Linear(8, 4)}
    )
    assert {c.reference for c in result.parity.cases} == {"float64"}
    assert result.parity.ok


def test_not_proved_on_request_is_said():
    result = export(lambda s, x: x * 2, prove=False)
    assert codes(result) == {"OM407"}
    assert not result.parity.ok
    assert "--no-prove" in result.parity.reason
    assert result.parity.deterministic is None
    assert {a.status for a in result.axes} == {"declared"}


def test_constant_example_is_proved_on_varied_values_too():
    result = export(lambda s, x: s.l(x), torch.zeros(1, 8), parts={"l": nn.Linear(8, 4)})
    assert codes(result) == {"OM211"}
    assert result.parity.ok


def test_ids_stay_in_their_observed_range():
    ids = torch.tensor([[3, 1, 2, 0]])
    result = export(lambda s, x: s.e(x), ids, parts={"e": nn.Embedding(4, 2)})
    assert [c.inputs for c in result.parity.cases] == ["example", "varied", "varied"]
    assert result.parity.ok


def test_values_the_model_does_not_take_fall_back_to_the_examples_own():
    def strict(s, x):
        if not torch.compiler.is_exporting() and not torch.equal(x[:1], X):
            raise ValueError("unexpected values")
        return x * 2

    result = export(strict, static=True)
    assert [c.inputs for c in result.parity.cases] == ["example", "tiled"]


def test_opset_is_what_was_asked_for():
    assert export(lambda s, x: x.relu(), opset=21).graph.opset == 21


@pytest.mark.parametrize("name", ["ok", "findings", "graph", "parity", "axes", "stages", "changes", "path"])
def test_contract_of_names(shared, name):
    assert hasattr(shared, name)


def test_stages_are_timed(shared):
    assert [s.name for s in shared.stages] == ["model", "axes", "capture", "write", "check", "prove"]
    assert all(s.seconds >= 0 for s in shared.stages)
