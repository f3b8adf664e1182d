"""What was recorded: calls of a module, as they were at the moment they were made.

Frozen data between the recorder, which knows nothing of exports, and whoever reads it. A call that was not kept whole
is still here with its shapes, because shapes cost nothing and an axis that only ever varied in a dropped call varies
too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

__all__ = ["RecordedCall", "Recording"]


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """One call: copies of what went in and came out, in the containers they were in.

    Attributes
    ----------
    number : int
        Its place among all calls, from 1.
    args, kwargs
        As the module was called, before ``forward`` could change them. In a call that was not kept the tensors are on
        the meta device: shapes and dtypes without values.
    output : object
        What the call returned, copied as it returned; None in a call that was not kept.
    training : bool
        Whether any submodule was in training mode.
    kept : bool
        The tensors have values.
    count : int
        How many calls of this very shape and these plain values it stands for, itself included: 1 unless calls were
        not kept.
    nbytes : int
        Bytes of the copies; 0 where it was not kept.
    autocast : str
        The dtype of ``torch.autocast`` that was on, for example ``"bfloat16"``; empty where none was.
    """

    number: int
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    output: Any
    training: bool
    kept: bool = True
    count: int = 1
    nbytes: int = 0
    autocast: str = ""


@dataclass(frozen=True, slots=True)
class Recording:
    """All calls of one module in one stretch of code.

    Attributes
    ----------
    model : torch.nn.Module
        The module itself, not a copy.
    calls : tuple of RecordedCall
        In the order in which they were made; calls that were not kept stand behind, one for each shape.
    total : int
        Calls that returned, kept or not.
    failed : int
        Calls that raised; the code around them may have caught it.
    unkept : tuple of str
        What was dropped and why, a sentence each: ``"84 of 100 calls were not kept (--keep 16)."``
    """

    model: torch.nn.Module
    calls: tuple[RecordedCall, ...]
    total: int
    failed: int = 0
    unkept: tuple[str, ...] = ()

    @property
    def kept(self) -> tuple[RecordedCall, ...]:
        """The calls whose values are here."""
        return tuple(call for call in self.calls if call.kept)
