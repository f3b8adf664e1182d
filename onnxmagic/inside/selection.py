"""The one mutable corner of a result: what is chosen in its views, and what was computed for them.

Views come and go while the result stays, and a view is kept alive by its front end long after the result is gone. So
views hold this and not the result, and are themselves held weakly.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from onnxmagic.check.finding import Finding
from onnxmagic.graph.facts import Module
from onnxmagic.inside.selected import SelectedNode

if TYPE_CHECKING:
    from onnxmagic.inside.choices import Choices

__all__ = ["KEPT_BYTES", "Chosen", "On", "Seen", "Selection"]

Chosen = SelectedNode | Module | Finding
On = Literal["", "your example", "your inputs", "made-up inputs"]

KEPT_BYTES: Final = 64 * 2**20
"""The most bytes of arrays that a result keeps: of its example, and of values that were asked for."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A value as it came out of a run, and on which inputs; ``""`` where none were needed."""

    array: Any
    on: On = ""


class Selection:
    """What is chosen, who wants to know of it, and the values that were asked for last.

    Attributes
    ----------
    selected : SelectedNode, Module, Finding or None
    key : str
        Its name in a view: ``n12``, ``m3``, ``f0``; empty for nothing.
    answers : dict
        What answers a view's questions, by their kind; filled by the view.
    beside : Beside or None
        The fixes that were asked for one by one.
    choices : Choices or None
        What can be chosen, once somebody asked.
    feeds : mapping or None
        Inputs that were made up for the file, once they were needed.
    stamp : tuple or None
        What the file on disk was like when it was read: size and time.
    """

    def __init__(self, stamp: tuple[int, int] | None = None) -> None:
        self.selected: Chosen | None = None
        self.key = ""
        self.answers: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {}
        self.beside: Any = None
        self.choices: Choices | None = None
        self.feeds: Mapping[str, Any] | None = None
        self.stamp = stamp
        self._seen: OrderedDict[str, Seen] = OrderedDict()
        self._watchers: list[Callable[[], Callable[[str], None] | None]] = []

    def chose(self, key: str, thing: Chosen | None) -> None:
        """Note what is chosen now, and tell every view of it."""
        changed, self.key, self.selected = key != self.key, key, thing
        if not changed:
            return
        for reference in tuple(self._watchers):
            callback = reference()
            if callback is None:
                self._watchers.remove(reference)
            else:
                callback(key)

    def watch(self, callback: Callable[[str], None]) -> None:
        """Call `callback` with the new key when another thing is chosen; a bound method does not keep its owner."""
        owned = hasattr(callback, "__self__")
        self._watchers.append(weakref.WeakMethod(callback) if owned else lambda: callback)

    def keep(self, name: str, seen: Seen) -> None:
        """Keep the value called `name`, read-only, and forget the oldest ones beyond ``KEPT_BYTES``."""
        if isinstance(seen.array, np.ndarray):
            seen.array.flags.writeable = False
        self._seen[name] = seen
        self._seen.move_to_end(name)
        while sum(_nbytes(each.array) for each in self._seen.values()) > KEPT_BYTES:
            self._seen.popitem(last=False)

    def kept(self, name: str) -> Seen | None:
        """Return the value called `name` where it was kept."""
        return self._seen.get(name)


def _nbytes(value: Any) -> int:
    if isinstance(value, np.ndarray):
        return value.nbytes
    return sum(map(_nbytes, value)) if isinstance(value, (list, tuple)) else 64
