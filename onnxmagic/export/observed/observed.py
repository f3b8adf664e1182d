"""Recorded calls, read as one example and what may vary in it. The data that travels from here to the other stages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from onnxmagic.export.eager import Outputs
from onnxmagic.export.example import Example
from onnxmagic.export.trials import Place

__all__ = ["Observed", "Replay"]


@dataclass(frozen=True, slots=True)
class Replay:
    """A recorded call in the form of the example: same structure, its own values.

    Attributes
    ----------
    number : int
        Its place among all calls, from 1.
    example : Example
        The call; ``example.tensors`` pairs with the inputs of the file.
    outputs : Outputs or None
        What was recorded; None where the call was made in training mode, so that eval mode has to be asked.
    """

    number: int
    example: Example
    outputs: Outputs | None


@dataclass(frozen=True, slots=True)
class Observed:
    """What the recorded calls say together.

    Attributes
    ----------
    example : Example
        A recorded call, the one with the most to say: every tensor that is to be an input, no size 0, and sizes above
        1 where a call had them.
    groups : mapping of axis name to places
        Axes that differed between calls; places of one name had the same size in every call. The batch axis is not
        among them unless it differed.
    sums : mapping of axis name to names
        Axes whose size was the sum of others' in every call: ``{"total_sequence": ("past_sequence", "sequence")}``.
    sizes : mapping of axis name to sizes
        The sizes that were seen, sorted.
    replays : tuple of Replay
        The kept calls that have the example's structure, in order.
    said : tuple of str
        What a person should know of how the inputs were found, a sentence each, for the report.
    left_out : tuple of str
        Which calls the file does not stand for, and why, a sentence each.
    """

    example: Example
    groups: Mapping[str, tuple[Place, ...]] = field(default_factory=dict[str, tuple[Place, ...]])
    sums: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    sizes: Mapping[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])
    replays: tuple[Replay, ...] = ()
    said: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
