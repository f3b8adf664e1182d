"""What running two models has shown so far: it gathers here, so that an interrupt leaves what was compared before."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from onnxmagic.compared.offers import Offer
from onnxmagic.compared.ready import Feeds
from onnxmagic.diff.numbers import Apartness
from onnxmagic.diff.twins import Twin

__all__ = ["Found"]


@dataclass
class Found:
    """How far two models are apart.

    Attributes
    ----------
    offer : Offer or None
        On what both ran; None before they did.
    feeds : mapping
        The first inputs on which both ran, by the names of the first.
    samples : int
    outputs, inner : dict
        The values by what they are called, outputs and those inside.
    left_out : list of str
        What was not compared, a sentence each.
    """

    offer: Offer | None = None
    feeds: Feeds = field(default_factory=dict[str, Any])
    samples: int = 0
    outputs: dict[Twin, Apartness] = field(default_factory=dict[Twin, Apartness])
    inner: dict[Twin, Apartness] = field(default_factory=dict[Twin, Apartness])
    left_out: list[str] = field(default_factory=list[str])

    @property
    def so_far(self) -> str:
        """How much was compared."""
        return f"after {self.samples:,} sample{'' if self.samples == 1 else 's'}"

    def ran(self, offer: Offer, feeds: Feeds, samples: int) -> None:
        """Note that both ran."""
        if self.offer is None:
            self.offer, self.feeds = offer, feeds
        self.samples += samples
