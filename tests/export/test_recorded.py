"""Recorded calls as examples: what varied is dynamic, and every call is proved against what was recorded."""

from __future__ import annotations

import threading

import pytest
import torch
import transformers as hf
from torch import nn

import onnxmagic
from onnxmagic.errors import UsageMistake


def exported(model, run, **options):
    """Record the calls of `model` in ``run()`` and export them."""
    with torch.no_grad(), onnxmagic.record(model) as calls:
        run()
    return onnxmagic.export(model, calls=calls, **options)


def declared(export):
    return {(axis.input, axis.index): axis.name for axis in export.axes if axis.status == "proved"}


def recorded(export):
    return {(*case.sizes.values(), case.count) for case in export.parity.cases if case.inputs == "recorded"}


class Text(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.head = nn.Embedding(30, 8), nn.Linear(8, 3)

    def forward(self, ids, mask=None):
        x = self.embed(ids)
        if mask is not None:
            x = x * mask.unsqueeze(-1)
        return self.head(x.sum(1))


class Image(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 4, 3), nn.Linear(4, 2)

    def forward(self, image):
        return self.head(self.conv(image).relu().mean((2, 3)))


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down, self.up = nn.Conv2d(4, 8, 3, stride=2, padding=1), nn.ConvTranspose2d(8, 4, 2, stride=2)
        self.time = nn.Linear(4, 8)

    def forward(self, sample, timestep, encoder_hidden_states):
        timestep = torch.as_tensor(timestep).float().reshape(-1)
        angle = timestep[:, None] / 1000 * torch.arange(1.0, 5.0)
        h = self.down(sample) + self.time(angle.sin())[:, :, None, None] + encoder_hidden_states.mean()
        return {"sample": self.up(h.relu())}


class Pipe:
    """A pipeline, with the UNet as a part of it."""

    def __init__(self):
        torch.manual_seed(0)
        self.unet = UNet().eval()

    def __call__(self, steps):
        x, text = torch.randn(1, 4, 8, 8), torch.randn(1, 5, 4)
        for step in steps:
            x = x - 0.1 * self.unet(x, step, encoder_hidden_states=text)["sample"]
        return x


def test_a_ragged_text_loader():
    model = Text().eval()

    def run():
        for rows, length in ((4, 7), (4, 9), (4, 9), (3, 5)):
            ids = torch.randint(0, 30, (rows, length))
            model(ids, mask=(ids > 2).float())

    export = exported(model, run)
    assert export.ok
    assert declared(export) == {
        ("ids", 0): "batch",
        ("ids", 1): "sequence",
        ("mask", 0): "batch",
        ("mask", 1): "sequence",
    }
    assert recorded(export) == {(4, 7, 1), (4, 9, 2), (3, 5, 1)}
    assert all(case.ok for case in export.parity.cases if case.inputs == "recorded")


def test_an_image_loader_with_a_short_last_batch():
    model, images = Image().eval(), torch.randn(7, 3, 8, 8)
    export = exported(model, lambda: [model(batch) for batch in images.split(3)])
    assert declared(export) == {("image", 0): "batch"}
    assert recorded(export) == {(3, 2), (1, 1)}


def test_the_batch_varies_though_every_call_had_the_same():
    model = Image().eval()
    export = exported(model, lambda: [model(torch.randn(2, 3, 8, 8)) for _ in range(3)])
    assert declared(export) == {("image", 0): "batch"}
    assert recorded(export) == {(2, 3)}


@pytest.mark.parametrize("steps", [(981, 961, 941), [torch.tensor(t) for t in (981, 961, 941)]])
def test_a_diffusion_loop_and_a_part_of_a_pipeline(steps):
    pipe = Pipe()
    export = exported(pipe.unet, lambda: pipe(steps))
    assert export.ok
    assert [value.name for value in export.graph.inputs] == ["sample", "timestep", "encoder_hidden_states"]
    assert next(value.shape for value in export.graph.inputs if value.name == "timestep") == ()
    assert sum(case.count for case in export.parity.cases if case.inputs == "recorded") == 3
    assert any("timestep" in said for said in export.taken) == isinstance(steps[0], int)


def test_a_mask_that_was_none_in_some_calls():
    model = Text().eval()

    def run():
        model(torch.randint(0, 30, (2, 4)), mask=torch.ones(2, 4))
        model(torch.randint(0, 30, (2, 6)))
        model(torch.randint(0, 30, (3, 4)), mask=torch.zeros(3, 4))

    export = exported(model, run)
    assert [value.name for value in export.graph.inputs] == ["ids", "mask"]
    assert recorded(export) == {(2, 4, 1), (2, 6, 1), (3, 4, 1)}
    assert any("Call 2" in said and "mask" in said for said in export.taken)


@pytest.fixture(scope="module")
def generated():
    torch.manual_seed(0)
    model = hf.LlamaForCausalLM(
        hf.LlamaConfig(
            vocab_size=50,
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=1,
            max_position_embeddings=32,
        )
    ).eval()
    ids = torch.randint(3, 50, (2, 5))
    mask = torch.ones_like(ids)
    mask[0, :2] = 0
    return exported(
        model,
        lambda: model.generate(ids, attention_mask=mask, max_new_tokens=4, do_sample=False, pad_token_id=0),
    )


def test_a_decoder_with_its_cache_gives_the_recorded_logits(generated):
    assert generated.ok
    axes = declared(generated)
    assert axes["input_ids", 1] == "sequence"
    assert axes["past_key_values.0.key", 2] == axes["past_key_values.0.value", 2] == "past_sequence"
    assert axes["attention_mask", 1] == "total_sequence"
    cases = [case for case in generated.parity.cases if case.inputs == "recorded"]
    assert sorted(case.sizes["past_sequence"] for case in cases) == [0, 5, 6, 7]
    assert all(case.ok and case.ratio is not None for case in cases)


def test_sizes_that_no_call_had_are_proved_too(generated):
    seen = {(case.sizes["sequence"], case.sizes["past_sequence"]) for case in generated.parity.cases}
    assert any(sequence > 1 and past > 0 for sequence, past in seen)
    assert all(
        case.sizes["total_sequence"] == case.sizes["sequence"] + case.sizes["past_sequence"]
        for case in generated.parity.cases
    )


def test_recorded_in_training_mode_is_said_and_compared_with_eval():
    model = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5)).train()
    export = exported(model, lambda: [model(torch.randn(rows, 4)) for rows in (2, 5)])
    assert recorded(export) == {(2, 1), (5, 1)}
    assert export.parity.ok
    assert any("training mode" in said for said in export.taken)


def test_weights_that_changed_since_are_said():
    model = Image().eval()

    def run():
        model(torch.randn(2, 3, 8, 8))
        model.head.weight.mul_(2)
        model(torch.randn(3, 3, 8, 8))

    export = exported(model, run)
    assert export.parity.ok
    reasons = {case.sizes["batch"]: case.reason for case in export.parity.cases if case.inputs == "recorded"}
    assert "no longer gives what was recorded" in reasons[2]
    assert not reasons[3]


def test_a_wrong_file_is_wrong_on_what_was_recorded():
    class Wrong(nn.Module):
        def forward(self, x):
            # The exporter keeps the branch of the example; a recorded call went the other way.
            return x * 2 if torch.compiler.is_exporting() else x * 3

    model = Wrong().eval()
    export = exported(model, lambda: [model(torch.randn(rows, 4)) for rows in (2, 5)])
    assert not export.ok
    assert not any(case.ok for case in export.parity.cases if case.inputs == "recorded")


def test_an_axis_that_must_stay_static_leaves_the_other_calls_out():
    model = nn.Softmax(1).eval()
    export = exported(model, lambda: [model(torch.randn(2, width)) for width in (4, 4, 6)], static=True)
    assert not declared(export)
    assert any("Calls 1 and 2 were not replayed: axis 1 of `input`" in said for said in export.taken)


def test_calls_of_two_threads_and_of_a_copy():
    import copy

    model = Image().eval()
    other = copy.deepcopy(model)

    def run():
        threads = [
            threading.Thread(target=lambda m=m, n=n: m(torch.randn(n, 3, 8, 8))) for m, n in ((model, 2), (other, 6))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        model(torch.randn(3, 3, 8, 8))

    assert recorded(exported(model, run)) == {(2, 1), (3, 1)}


def test_no_call():
    with onnxmagic.record(Image()) as calls:
        pass
    with pytest.raises(UsageMistake, match="No call"):
        onnxmagic.export(calls.recording().model, calls=calls)


def test_calls_of_another_model():
    model, other = Image().eval(), Image().eval()
    with onnxmagic.record(model) as calls:
        model(torch.randn(1, 3, 8, 8))
    with pytest.raises(UsageMistake, match="another model"):
        onnxmagic.export(other, calls=calls)


def test_two_examples_at_once():
    model, x = Image().eval(), torch.randn(1, 3, 8, 8)
    with onnxmagic.record(model) as calls:
        model(x)
    with pytest.raises(UsageMistake, match="pass one of them"):
        onnxmagic.export(model, (x,), calls=calls)
