"""Small models, each with the one habit that a test is about."""

from __future__ import annotations

import random

import torch
from torch import nn
from torch.nn import functional


class Tiny(nn.Module):
    """A sound classifier with every part that has a mode or a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        y = self.norm(self.conv(x)).relu().mean((2, 3))
        return self.head(self.drop(y))


class Disturber(Tiny):
    """Changes everything it can reach, on every call."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(1))
        self.plain = torch.ones(2)
        self.history: list[int] = []
        self.cache = {"a": [1]}
        self.count = 0
        self.hidden = [nn.Dropout(0.5)]

    def forward(self, x):
        if not torch.compiler.is_exporting():
            self.calls += 1
            self.plain.mul_(2)
            self.history.append(len(self.history))
            self.cache["a"].append(2)
            self.count += 1
            self.head.weight.data.mul_(1.5)
            self.head.bias.data = torch.zeros(3)
            self.conv.weight.requires_grad_(False)
            x.add_(1)
            random.random()
            torch.rand(1)
        return super().forward(x)


class Deaf(nn.Module):
    """Stays in training mode whatever it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.drop = nn.Dropout(0.5)
        self.kept = [nn.Dropout(0.5)]

    def eval(self):
        return self

    def forward(self, x):
        return self.kept[0](self.drop(x))


class Lambda(nn.Module):
    """A module around a function of its input."""

    def __init__(self, function, **parts) -> None:
        super().__init__()
        self.function = function
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x):
        return self.function(self, x)


class Gate(nn.Module):
    """Decides by the values of a tensor."""

    def forward(self, x):
        y = x * 2
        if y.mean() > 0:
            return y
        return -y


class Unsupported(nn.Module):
    """Uses three operators that have no translation, on three lines."""

    def forward(self, x):
        a = torch.linalg.inv(x)
        b = torch.hypot(a, a)
        return torch.median(b, 0).values


class WrongAverage(nn.Module):
    """An operator that torch's exporter translates wrongly: it drops ``divisor_override``."""

    def forward(self, x):
        return functional.avg_pool2d(x, 2, divisor_override=3)


class Keywords(nn.Module):
    """Takes anything."""

    def forward(self, *tensors, **others):
        return tensors[0] + tensors[1] * others["scale"] + others["bias"]
