"""Python numbers that differed between calls."""

from __future__ import annotations

import torch
from observing import calls_of, observed, shapes
from torch import nn


class Denoiser(nn.Module):
    """Takes a timestep as a number or a scalar, as diffusion models do."""

    def __init__(self) -> None:
        super().__init__()
        self.project = nn.Linear(4, 4)

    def forward(self, sample, timestep):
        if not torch.is_tensor(timestep):
            timestep = torch.tensor(timestep)
        return self.project(sample) * torch.sin(timestep.float() / 100)


class Branching(nn.Module):
    """Decides by the number."""

    def forward(self, x, t):
        return x * 2 if t > 500 else x + t


class Mixed(nn.Module):
    """One number is arithmetic, the other a size."""

    def forward(self, x, scale, keep=4):
        return (x * scale)[:, :keep]


def at(*numbers):
    return [(torch.randn(2, 4), number) for number in numbers]


def test_timestep_is_a_scalar_input():
    model = Denoiser()
    found = observed(model, calls_of(model, *at(981, 961, 941)))
    assert found.said == ("`timestep` differed between calls (981, 961, ...), so it is an input: an int64 scalar.",)
    assert found.left_out == ()
    assert [int(replay.example.tensors[1].value) for replay in found.replays] == [981, 961, 941]
    assert found.replays[0].example.tensors[1].value.dtype is torch.int64
    assert shapes(found.example) == {"sample": (2, 4), "timestep": ()}
    assert found.groups == {}


def test_float_is_a_float32_scalar():
    model = Denoiser()
    found = observed(model, calls_of(model, *at(1.5, 2)))
    assert found.said == ("`timestep` differed between calls (1.5, 2), so it is an input: a float32 scalar.",)


def test_scalar_that_is_a_tensor_already_needs_no_words():
    model = Denoiser()
    found = observed(model, calls_of(model, *at(torch.tensor(981), torch.tensor(961))))
    assert len(found.replays) == 2
    assert found.said == ()


def test_number_in_one_call_and_tensor_in_another():
    model = Denoiser()
    found = observed(model, calls_of(model, *at(torch.tensor(981), 961)))
    assert [int(replay.example.tensors[1].value) for replay in found.replays] == [981, 961]


def test_number_that_never_differed_is_held_by_the_file():
    model = Denoiser()
    found = observed(model, calls_of(model, *at(981, 981)))
    assert shapes(found.example) == {"sample": (2, 4)}
    assert found.said == ()


def test_number_that_decides_in_python_is_held_and_the_others_left_out():
    model = Branching()
    found = observed(model, calls_of(model, *at(981, 20, 981)))
    assert [replay.number for replay in found.replays] == [1, 3]
    assert found.said == (
        "`t` differed between calls (981, 20), and the model reads its value in Python, so the file holds one of them.",
    )
    assert found.left_out == ("Call 2 had `t` = 20, and the file is made with 981, so it is left out.",)


def test_each_number_is_judged_by_itself():
    model = Mixed()
    x = torch.randn(2, 4)
    found = observed(model, calls_of(model, (x, 0.5, 3), (x, 0.25, 2), (x, 0.75, 3)))
    assert shapes(found.example) == {"x": (2, 4), "scale": ()}
    assert [replay.number for replay in found.replays] == [1, 3]
    assert found.left_out == ("Call 2 had `keep` = 2, and the file is made with 3, so it is left out.",)
    assert any("`keep`" in said and "reads its value in Python" in said for said in found.said)


def test_default_counts_as_given():
    model = Mixed()
    x = torch.randn(2, 4)
    found = observed(model, calls_of(model, (x, 2.0), (x, 2.0, 4), {"x": x, "scale": 2.0, "keep": 4}))
    assert len(found.replays) == 3
    assert found.said == found.left_out == ()


def test_model_that_takes_no_tensor_there():
    class Strict(nn.Module):
        def forward(self, x, n):
            if not isinstance(n, int):
                raise TypeError("n is no int")
            return x * n

    model = Strict()
    found = observed(model, calls_of(model, *at(2, 3)))
    assert "the model takes no tensor in its place" in found.said[0]
    assert len(found.replays) == 1
