"""Which calls are kept with their values: new shapes first, within a number of calls and a budget of memory.

A loop calls a module a thousand times with one shape and once, at its end, with another: the one is worth more than the
thousandth. So a new shape takes the place of a kept call whose shape is there more than once, and never the other way
round. Calls may come from several threads; what is being copied at this moment counts as taken.
"""

from __future__ import annotations

import dataclasses
import threading
from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from onnxmagic.record.budget import size_text
from onnxmagic.record.calls import RecordedCall

__all__ = ["Place", "Reason", "Store"]

Reason = Literal["keep", "budget", "memory"]

MOST_SHAPES = 10_000


@dataclass(slots=True, eq=False)
class Place:
    """Room for one call; ``call`` is None until its copies are made."""

    key: Hashable
    nbytes: int
    number: int
    call: RecordedCall | None = None


class Store:
    """Kept calls, and the shapes of all others.

    Parameters
    ----------
    keep : int
    budget : int
        Bytes.
    stand_in : callable
        Makes of a kept call one without values.
    """

    def __init__(self, keep: int, budget: int, stand_in: Callable[[RecordedCall], RecordedCall]) -> None:
        self._stand_in = stand_in
        self._keep = keep
        self._budget = budget
        self._lock = threading.Lock()
        self._places: list[Place] = []
        self._shapes: dict[Hashable, RecordedCall] = {}
        self._sizes: dict[Hashable, int] = {}
        self._reserved = 0
        self._beyond = 0
        self._reasons: Counter[Reason] = Counter()
        self._largest_refused = 0

    def reserve(self, key: Hashable, nbytes: int) -> Reason | None:
        """Take memory for the copies of a call's inputs, or say why the call will not be kept.

        A shape that came before is judged by all it took then, so that no copies are made in vain.
        """
        with self._lock:
            _, reason = self._room(key, max(nbytes, self._sizes.get(key, 0)))
            if reason is None:
                self._reserved += nbytes
            return reason

    def release(self, nbytes: int) -> None:
        """Give back what ``reserve`` took."""
        with self._lock:
            self._reserved -= nbytes

    def take(self, key: Hashable, nbytes: int, number: int, reserved: int) -> Place | Reason:
        """Take room for a whole call, from calls whose shape is there more than once if need be.

        What was `reserved` for it is given back, whatever comes of it.
        """
        with self._lock:
            self._reserved -= reserved
            if len(self._sizes) < MOST_SHAPES or key in self._sizes:
                self._sizes[key] = nbytes
            leaving, reason = self._room(key, nbytes)
            if reason is not None:
                return reason
            crowded: Reason = "keep" if len(self._places) >= self._keep else "budget"
            for place in leaving:
                self._places.remove(place)
                self._reasons[crowded] += 1
                if place.call is not None:
                    self._count_shape(place.key, partial(self._stand_in, place.call))
            place = Place(key, nbytes, number)
            self._places.append(place)
            return place

    def give_up(self, place: Place) -> None:
        """Take back a place whose copies could not be made."""
        with self._lock:
            if place in self._places:
                self._places.remove(place)

    def knows(self, key: Hashable) -> bool:
        """Return whether nothing has to be made for one more call of this shape that is not kept."""
        return key in self._shapes or len(self._shapes) >= MOST_SHAPES

    def leave_out(self, key: Hashable, shape: Callable[[], RecordedCall], reason: Reason, nbytes: int = 0) -> None:
        """Count a call that is not kept; `shape` makes its stand-in, and is asked once for each shape."""
        with self._lock:
            self._reasons[reason] += 1
            if reason == "budget":
                self._largest_refused = max(self._largest_refused, nbytes)
            self._count_shape(key, shape)

    def calls(self) -> tuple[RecordedCall, ...]:
        """Return the kept calls in their order, and behind them the others, one for each shape."""
        with self._lock:
            kept = [place.call for place in self._places if place.call is not None]
            return (*sorted(kept, key=_number), *sorted(self._shapes.values(), key=_number))

    def unkept(self, total: int) -> tuple[str, ...]:
        """Return what was dropped and why, a sentence each."""
        with self._lock:
            said: list[str] = []
            if count := self._reasons["keep"]:
                said.append(f"{_of(count, total)} not kept: --keep {self._keep} is reached; {_still(count)}")
            if count := self._reasons["budget"]:
                said.append(f"{_of(count, total)} not kept: {self._budget_reached()}; {_still(count)}")
            if count := self._reasons["memory"]:
                said.append(f"{_of(count, total)} not kept: there was no memory for the copies; {_still(count)}")
            if self._beyond:
                said.append(
                    f"Of {self._beyond:,} calls not even the shapes are here: more than {MOST_SHAPES:,} different "
                    "ones were met."
                )
            return tuple(said)

    def _budget_reached(self) -> str:
        budget = f"--budget {size_text(self._budget)}"
        if self._largest_refused > self._budget:
            return f"one takes {size_text(self._largest_refused)}, more than {budget}"
        one = f" (one takes {size_text(self._largest_refused)})" if self._largest_refused else ""
        return f"{budget} is used up{one}"

    def _room(self, key: Hashable, nbytes: int) -> tuple[list[Place], Reason | None]:
        """Return the places that must go so that a call finds room, or why it finds none."""
        over = len(self._places) + 1 - self._keep
        missing = nbytes + self._reserved + sum(place.nbytes for place in self._places) - self._budget
        reason: Reason = "budget" if nbytes > self._budget or over <= 0 else "keep"
        if over <= 0 and missing <= 0:
            return [], None
        if nbytes > self._budget or any(place.key == key for place in self._places):
            return [], reason
        shapes = Counter(place.key for place in self._places if place.call is not None)
        leaving: list[Place] = []
        while over > 0 or missing > 0:
            frequent, count = shapes.most_common(1)[0] if shapes else (None, 0)
            if count < 2:
                return [], "keep" if over > 0 else "budget"
            alike = (p for p in self._places if p.key == frequent and p.call is not None and p not in leaving)
            place = max(alike, key=_place_number)
            leaving.append(place)
            shapes[frequent] -= 1
            over, missing = over - 1, missing - place.nbytes
        return leaving, None

    def _count_shape(self, key: Hashable, shape: Callable[[], RecordedCall]) -> None:
        known = self._shapes.get(key)
        if known is not None:
            self._shapes[key] = dataclasses.replace(known, count=known.count + 1)
        elif len(self._shapes) < MOST_SHAPES:
            self._shapes[key] = shape()
        else:
            self._beyond += 1


def _number(call: RecordedCall) -> int:
    return call.number


def _place_number(place: Place) -> int:
    return place.number


def _of(count: int, total: int) -> str:
    return f"{count:,} of {total:,} calls {'was' if count == 1 else 'were'}"


def _still(count: int) -> str:
    return "its shapes count all the same." if count == 1 else "their shapes count all the same."
