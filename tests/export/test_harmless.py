"""The notebook is afterwards as it was before: after success, failure and interrupt, at every stage."""

import contextlib
import logging
import random
import signal
import threading
import time
import warnings

import numpy as np
import pytest
import torch
from models import Deaf, Disturber, Gate, Lambda, Tiny
from state_of_notebook import notebook_state
from torch import nn

import onnxmagic

STAGES = ("model", "axes", "capture", "write", "check", "prove")


@pytest.fixture
def image():
    return torch.randn(2, 1, 8, 8)


@pytest.fixture
def disturber():
    model = Disturber()
    model.register_forward_hook(lambda module, args, output: output)
    model.norm.eval()
    model.conv.bias.requires_grad_(False)
    model.head.weight.grad = torch.ones_like(model.head.weight)
    return model


def test_success_leaves_everything(disturber, image):
    before = notebook_state(disturber, image)
    onnxmagic.export(disturber, (image,))
    assert notebook_state(disturber, image) == before


def test_hidden_modules_keep_their_flags():
    model = Deaf()
    model.kept[0].train(True)
    onnxmagic.export(model, (torch.randn(1, 4),), prove=False)
    assert (model.training, model.drop.training, model.kept[0].training) == (True, True, True)


def test_failing_export_leaves_everything(image):
    model = Gate()
    before = notebook_state(model, image)
    with pytest.raises(onnxmagic.CaptureFailed):
        onnxmagic.export(model, (image,))
    assert notebook_state(model, image) == before


def test_failing_model_leaves_everything(disturber, image):
    before = notebook_state(disturber, image)
    with pytest.raises(onnxmagic.ModelFailed):
        onnxmagic.export(disturber, (image.repeat(1, 2, 1, 1),))
    assert notebook_state(disturber, image) == before


@pytest.mark.parametrize("stage", STAGES)
def test_interrupt_at_every_stage_leaves_everything(stage, disturber, image, tmp_path):
    (tmp_path / "old.onnx").write_bytes(b"old")
    before = notebook_state(disturber, image)

    def interrupt(name):
        if name == stage:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        onnxmagic.export(disturber, (image,), output=tmp_path / "old.onnx", progress=interrupt)
    assert notebook_state(disturber, image) == before
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("old.onnx", b"old")]


@pytest.mark.parametrize("stage", STAGES)
def test_an_interrupt_that_python_threw_away_still_counts(stage, image, tmp_path):
    def lose(name):
        if name == stage:
            with contextlib.suppress(KeyboardInterrupt):  # as in the callback of a weak reference
                signal.raise_signal(signal.SIGINT)

    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        onnxmagic.export(Tiny(), (image,), output=tmp_path / "m.onnx", progress=lose)
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(signal.SIGINT) is handler


@pytest.mark.parametrize("delay", [0.02, 0.1, 0.3, 0.6])
def test_a_real_interrupt_at_any_moment_leaves_everything(delay, disturber, image, tmp_path):
    before = notebook_state(disturber, image)
    timer = threading.Timer(delay, signal.raise_signal, (signal.SIGINT,))

    def export_and_wait():
        timer.start()
        onnxmagic.export(disturber, (image,), output=tmp_path / "m.onnx")
        time.sleep(5)  # the export was faster than the interrupt

    with pytest.raises(KeyboardInterrupt):
        export_and_wait()
    timer.join()
    assert notebook_state(disturber, image) == before
    assert {p.name for p in tmp_path.iterdir()} <= {"m.onnx"}


def test_random_numbers_continue_as_if_nothing_had_happened(disturber, image):
    def draw():
        return random.random(), float(np.random.rand()), float(torch.rand(1))

    def seed():
        random.seed(1)
        np.random.seed(1)
        torch.manual_seed(1)

    seed()
    expected = draw()
    seed()
    onnxmagic.export(disturber, (image,), prove=False)
    assert draw() == expected


def test_warnings_of_the_model_still_reach_the_user_later(image):
    def warn(s, x):
        warnings.warn("look here", UserWarning, stacklevel=1)
        return x * 2

    model = Lambda(warn)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        onnxmagic.export(model, (image,), prove=False)
        with pytest.warns(UserWarning, match="look here"):
            model(image)


def test_nothing_is_printed(image, capfd):
    def chatty(s, x):
        print("in forward")
        return x * 2

    onnxmagic.export(Lambda(chatty), (image,))
    with pytest.raises(onnxmagic.CaptureFailed):
        onnxmagic.export(Gate(), (image,))
    assert capfd.readouterr() == ("", "")


def test_another_thread_keeps_its_prints_and_logs(image, capsys, caplog):
    stop = threading.Event()

    def train():
        while not stop.wait(0.01):
            print("step")
            logging.getLogger("torch.user").warning("step")

    worker = threading.Thread(target=train)
    worker.start()
    onnxmagic.export(Tiny(), (image,), prove=False)
    stop.set()
    worker.join()
    assert capsys.readouterr().out.count("step") > 5
    assert caplog.text.count("step") > 5


def test_gradient_mode_does_not_matter(image):
    with torch.inference_mode():
        plain = image * 1
    with torch.no_grad():
        assert onnxmagic.export(Tiny(), (plain.clone(),)).parity.ok
    assert torch.is_grad_enabled()


def test_training_goes_on_after_an_export(image):
    model = Tiny()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loss = model(image).sum()
    onnxmagic.export(model, (image,))
    loss.backward()
    optimizer.step()
    assert all(p.grad is not None for p in model.parameters())


class Merging(nn.Linear):
    """Merges an adapter into its weight in eval mode, as LoRA layers do."""

    def __init__(self) -> None:
        super().__init__(4, 4)
        self.merged = False

    def train(self, mode=True):
        super().train(mode)
        if mode == self.merged:
            self.weight.data += 1.0 if not mode else -1.0
            self.merged = not mode
        return self


def test_a_model_that_does_work_in_eval_is_exported_so_and_restored():
    model = Merging()
    x = torch.randn(1, 4)
    weight = model.weight.detach().clone()
    result = onnxmagic.export(model, (x,))
    assert torch.equal(model.weight, weight)
    assert (model.training, model.merged) == (True, False)
    assert result.parity.ok
