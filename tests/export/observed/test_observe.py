"""From recorded calls to an example, axes and replays."""

from __future__ import annotations

import pytest
import torch
from observing import call, calls_of, observed, shapes
from torch import nn

from onnxmagic.errors import UsageMistake
from onnxmagic.record.copies import Uncopied
from onnxmagic.record.recorder import Recorder


class Classifier(nn.Module):
    """Ragged text in, classes out."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(20, 8)
        self.head = nn.Linear(8, 3)

    def forward(self, input_ids, attention_mask):
        weights = attention_mask[..., None].float()
        return self.head((self.embed(input_ids) * weights).sum(1) / weights.sum(1))


class Doubled(nn.Module):
    def forward(self, x):
        return x * 2


def text(rows, length):
    return {"input_ids": torch.randint(0, 20, (rows, length)), "attention_mask": torch.ones(rows, length).long()}


def test_ragged_text_has_batch_and_sequence():
    model = Classifier()
    found = observed(model, calls_of(model, text(4, 7), text(4, 9), text(2, 5)))
    assert list(found.groups) == ["batch", "sequence"]
    assert found.sizes == {"batch": (2, 4), "sequence": (5, 7, 9)}
    assert shapes(found.example) == {"input_ids": (4, 9), "attention_mask": (4, 9)}
    assert found.said == found.left_out == ()
    for replay, recorded in zip(found.replays, calls_of(model, text(4, 7), text(4, 9), text(2, 5)), strict=True):
        assert replay.number == recorded.number
        assert replay.outputs.tensors[0].shape == recorded.output.shape


def test_replays_hold_the_recorded_outputs():
    model = Classifier()
    calls = calls_of(model, text(4, 7), text(2, 5))
    found = observed(model, calls)
    for replay, recorded in zip(found.replays, calls, strict=True):
        assert torch.equal(replay.outputs.tensors[0], recorded.output)
        assert torch.equal(replay.example.tensors[0].value, recorded.kwargs["input_ids"])


def test_images_with_a_short_last_batch():
    model = Doubled()
    found = observed(model, calls_of(model, *[(torch.randn(n, 3, 8, 8),) for n in (8, 8, 5)]))
    assert found.groups == {"batch": (("x", 0),)}
    assert found.sizes == {"batch": (5, 8)}
    assert shapes(found.example) == {"x": (8, 3, 8, 8)}


def test_axis_that_varied_in_a_call_that_was_not_kept_varies():
    model = Doubled()
    kept = calls_of(model, (torch.randn(8, 3),))
    found = observed(model, [*kept, call(model, torch.randn(5, 3), number=9, kept=False)])
    assert found.sizes == {"batch": (5, 8)}
    assert len(found.replays) == 1


def test_single_call_varies_in_nothing():
    model = Classifier()
    found = observed(model, calls_of(model, text(4, 7)))
    assert found.groups == found.sums == found.sizes == {}
    assert len(found.replays) == 1


def test_positional_and_keyword_arguments_are_one_form():
    model = Classifier()
    first, second = text(4, 7), text(2, 5)
    swapped = dict(reversed(second.items()))
    found = observed(model, calls_of(model, tuple(first.values()), swapped))
    assert len(found.replays) == 2
    assert shapes(found.replays[1].example) == {"input_ids": (2, 5), "attention_mask": (2, 5)}
    assert torch.equal(found.replays[1].example.tensors[0].value, second["input_ids"])


def test_nested_containers():
    class Nested(nn.Module):
        def forward(self, batch):
            return batch["image"].mean((2, 3)) + batch["boxes"][0].sum()

    def batch(n, boxes):
        return ({"image": torch.randn(n, 3, 8, 8), "boxes": [torch.randn(boxes, 4)]},)

    model = Nested()
    found = observed(model, calls_of(model, batch(4, 7), batch(2, 9)))
    assert found.groups == {"batch": (("batch_image", 0),), "batch_boxes_0_rows": (("batch_boxes_0", 0),)}


def test_asked_names_are_the_inputs():
    model = Classifier()
    found = observed(model, calls_of(model, text(4, 7), text(2, 5)), names=["ids", "mask"])
    assert found.groups == {"batch": (("ids", 0), ("mask", 0)), "sequence": (("ids", 1), ("mask", 1))}
    assert [leaf.name for leaf in found.replays[1].example.tensors] == ["ids", "mask"]


def test_example_has_no_empty_tensor_and_as_few_ones_as_can_be():
    model = Doubled()
    found = observed(model, calls_of(model, *[(torch.randn(*shape),) for shape in ((0, 9), (1, 90), (3, 4), (2, 4))]))
    assert shapes(found.example) == {"x": (3, 4)}
    assert found.sizes["batch"] == (0, 1, 2, 3)


def test_call_in_another_dtype_is_left_out():
    model = Doubled()
    found = observed(model, calls_of(model, (torch.randn(4, 3),), (torch.randn(2, 3),), (torch.randn(5, 3).double(),)))
    assert found.sizes == {"batch": (2, 4)}
    assert found.left_out == ("Call 3 had `x` in float64, and the file takes float32, so it is left out.",)


def test_call_with_another_flag_is_left_out():
    class Flagged(nn.Module):
        def forward(self, x, mode="sum", *, squared=False):
            y = x * x if squared else x
            return y.sum(1) if mode == "sum" else y.mean(1)

    model, x = Flagged(), torch.randn(2, 3)
    found = observed(
        model,
        calls_of(model, {"x": x}, {"x": x, "mode": "mean"}, {"x": x, "squared": True}, {"x": x, "squared": False}),
    )
    assert [replay.number for replay in found.replays] == [1, 4]
    assert found.left_out == (
        "Call 2 had `mode` = 'mean', and the file is made with 'sum', so it is left out.",
        "Call 3 had `squared` = True, and the file is made with False, so it is left out.",
    )


def test_call_of_another_rank_is_left_out():
    model = Doubled()
    found = observed(model, calls_of(model, (torch.randn(4, 3),), (torch.randn(2, 3),), (torch.randn(3),)))
    assert found.left_out == ("Call 3 had `x` of shape [3], and the file takes 2 axes, so it is left out.",)


def test_call_with_a_tensor_that_the_file_does_not_take_is_left_out():
    class Either(nn.Module):
        def forward(self, ids=None, embeds=None):
            return torch.mul(ids if embeds is None else embeds, 2)

    model, x = Either(), torch.randn(2, 3)
    found = observed(model, calls_of(model, {"ids": x}, {"ids": x}, {"embeds": x}))
    assert found.left_out == ("Call 3 had `embeds`, which the file does not take, so it is left out.",)


def test_calls_in_training_mode_have_no_outputs_to_compare_with():
    model = Doubled()
    calls = [call(model, torch.randn(n, 3), number=n, training=True) for n in (1, 2)]
    found = observed(model, calls)
    assert [replay.outputs for replay in found.replays] == [None, None]
    assert found.said == ("Recorded in training mode; the file is compared with the model in eval mode.",)


def test_one_call_in_training_mode_and_one_under_autocast_are_named():
    model = Doubled()
    calls = [
        call(model, torch.randn(2, 3), number=1),
        call(model, torch.randn(2, 3), number=2, training=True),
        call(model, torch.randn(2, 3), number=3, autocast="bfloat16"),
    ]
    found = observed(model, calls)
    assert [replay.outputs is None for replay in found.replays] == [False, True, True]
    assert found.said == (
        "Call 2 was recorded in training mode; the file is compared with the model in eval mode.",
        "Call 3 was recorded under autocast (bfloat16); the file is compared with the model without it.",
    )


def test_outputs_are_made_plain():
    class Boxed:
        def __init__(self, value) -> None:
            self.value = value

    class Boxing(nn.Module):
        def forward(self, x):
            return Boxed(x * 2)

    model = Boxing()
    found = observed(model, calls_of(model, (torch.ones(2, 3),)), plain_output=lambda output: output.value)
    assert torch.equal(found.replays[0].outputs.tensors[0], torch.full((2, 3), 2.0))


def test_calls_that_the_recorder_recorded():
    model = Classifier().eval()
    given = [text(4, 7), text(4, 9), text(2, 5)]
    with Recorder(model, keep=2, budget="1GB") as recorder:
        for batch in given:
            model(**batch)
    found = observed(model, recorder.recording().calls)
    assert len(found.replays) == 2
    assert list(found.groups) == ["batch", "sequence"]
    assert found.sizes == {"batch": (2, 4), "sequence": (5, 7, 9)}
    expected = model(**given[found.replays[0].number - 1])
    assert torch.equal(found.replays[0].outputs.tensors[0], expected)


def test_no_call_that_was_kept_says_what_to_raise():
    model = Doubled()
    with pytest.raises(UsageMistake, match=r"--budget 4GB"):
        observed(model, [call(model, torch.randn(2, 3), number=1, kept=False)])


def test_argument_that_could_not_be_copied_is_named():
    model = Doubled()
    calls = calls_of(model, (torch.ones(2, 3),))
    object.__setattr__(calls[0], "args", ([torch.ones(2, 3), Uncopied("generator")],))
    with pytest.raises(UsageMistake, match=r"`x\[1\]` of call 1 is a generator"):
        observed(model, calls)


def test_argument_that_no_graph_takes_is_the_examples_own_mistake():
    class Config:
        pass

    class Configured(nn.Module):
        def forward(self, x, config):
            return x * 2

    model = Configured()
    with pytest.raises(UsageMistake, match="`config` is a Config"):
        observed(model, calls_of(model, (torch.ones(2, 3), Config())))


def test_the_model_is_as_before():
    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("calls", torch.zeros(1))

        def forward(self, x, t=1):
            self.calls += 1
            return x * t

    model = Counting()
    calls = calls_of(model, (torch.ones(2, 3), 2), (torch.ones(2, 3), 3))
    before = model.calls.clone()
    found = observed(model, calls)
    assert found.said
    assert torch.equal(model.calls, before)
