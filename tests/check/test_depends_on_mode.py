"""Which modules behave otherwise in training mode."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from onnxmagic.check.mode import depends_on_mode, hidden_modules


class Asks(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        def inner() -> torch.Tensor:
            return x * 2 if self.training else x

        return inner()


class AsksBehindADecorator(nn.Module):
    @torch.no_grad()
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * 2 if self.training else x


class DoesNotAsk(nn.Module):
    def forward(self, x: torch.Tensor, training: bool = False) -> torch.Tensor:
        return x * 2 if training else x


class DropsPaths(Asks):
    def __init__(self, drop_prob: float) -> None:
        super().__init__()
        self.drop_prob = drop_prob


DEPENDS = [
    nn.Dropout(0.5),
    nn.AlphaDropout(0.5),
    nn.Dropout2d(0.1),
    nn.RReLU(),
    nn.BatchNorm1d(3),
    nn.SyncBatchNorm(3),
    nn.InstanceNorm1d(3, track_running_stats=True),
    nn.LSTM(2, 2, num_layers=2, dropout=0.5),
    nn.MultiheadAttention(4, 2, dropout=0.1),
    Asks(),
    AsksBehindADecorator(),
    DropsPaths(0.1),
]
DOES_NOT = [
    nn.Linear(2, 2),
    nn.Dropout(0.0),
    nn.BatchNorm1d(3, track_running_stats=False),
    nn.InstanceNorm1d(3),
    nn.LayerNorm(3),
    nn.LSTM(2, 2, num_layers=2),
    nn.MultiheadAttention(4, 2),
    nn.TransformerEncoderLayer(4, 2),
    nn.Sequential(nn.Dropout(0.5)),
    DoesNotAsk(),
    DropsPaths(0.0),
]


@pytest.mark.parametrize("module", DEPENDS, ids=lambda m: type(m).__name__)
def test_depends(module: nn.Module) -> None:
    assert depends_on_mode(module)


@pytest.mark.parametrize("module", DOES_NOT, ids=lambda m: type(m).__name__)
def test_does_not(module: nn.Module) -> None:
    assert not depends_on_mode(module)


def test_modules_in_plain_containers_are_found_by_path() -> None:
    model = nn.Module()
    model.body = nn.Module()
    model.body.__dict__["drops"] = [nn.Dropout(), nn.Dropout()]
    model.__dict__["heads"] = {"a": [nn.Linear(1, 1)], "b": list(range(20_000))}
    assert sorted(path for path, _ in hidden_modules(model)) == ["body.drops[0]", "body.drops[1]", "heads['a'][0]"]


def test_a_list_that_holds_itself_ends() -> None:
    model = nn.Module()
    model.__dict__["ring"] = ring = [1]
    ring.append(ring)  # pyright: ignore[reportArgumentType]  # the point of the test
    assert list(hidden_modules(model)) == []


def test_a_registered_module_is_not_hidden_by_a_list_beside_it() -> None:
    model = nn.Module()
    model.fc = nn.Linear(1, 1)
    model.__dict__["all"] = [model.fc]
    assert list(hidden_modules(model)) == []
