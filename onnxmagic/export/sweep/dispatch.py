"""Batches handed to an executor, and their results taken in the order of the batches.

In order, so that a sweep on a cluster gives what it gives in the kernel; a few in flight, so that a loader is read no
further than needed and memory stays what it was. The executor is the user's: it is never shut down, and what is left of
the sweep when it ends early is cancelled.
"""

from __future__ import annotations

import os
import uuid
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from onnxmagic.export.eager import one_line
from onnxmagic.export.sweep.bind import Bound
from onnxmagic.export.sweep.remote import Missing, keep_here, packed_batch, release, task
from onnxmagic.export.sweep.sides import Measured, ModelFails, Sides

__all__ = ["ExecutorFails", "dispatched", "named"]


class ExecutorFails(Exception):
    """The executor lost a task; the message is its own error."""


@dataclass
class _Flight:
    """One batch under way."""

    bound: Bound
    packed: bytes
    future: Any


class Dispatch:
    """Hands out batches of one sweep."""

    def __init__(self, executor: Any, key: str, payload: Callable[[], bytes]) -> None:
        self._executor = executor
        self._key = key
        self._payload = payload
        self._most = _in_flight(executor)
        self._flights: deque[_Flight] = deque()

    def measured(
        self, batches: Iterator[Bound], thorough: Callable[[], bool], beaten: Callable[[], float]
    ) -> Iterator[tuple[Bound, Measured]]:
        """Yield every batch with its result; what a batch raises comes after the results of those before it."""
        failure: Exception | None = None
        while True:
            while failure is None and len(self._flights) < self._most:
                try:
                    bound = next(batches, None)
                except Exception as error:  # noqa: BLE001  # the user's data; raised below, in its turn
                    failure = error
                    break
                if bound is None:
                    break
                packed = packed_batch(bound)
                self._flights.append(_Flight(bound, packed, self._submit(packed, None, False, beaten())))
            if not self._flights:
                break
            flight = self._flights[0]
            result = self._answer(flight, False, beaten())
            if result.doubtful and thorough():
                flight.future = self._submit(flight.packed, None, True, beaten())
                result = self._answer(flight, True, beaten())
            self._flights.popleft()
            yield flight.bound, result
        if failure is not None:
            raise failure

    def cancel(self) -> None:
        """Cancel what has not started."""
        for flight in self._flights:
            with suppress(Exception):  # an executor that is broken cannot even do this
                flight.future.cancel()
        self._flights.clear()

    def _submit(self, packed: bytes, payload: bytes | None, thorough: bool, beaten: float) -> Any:
        try:
            return self._executor.submit(task, self._key, packed, payload, thorough, beaten)
        except Exception as error:
            raise ExecutorFails(one_line(error)) from error

    def _answer(self, flight: _Flight, thorough: bool, beaten: float) -> Measured:
        result = _result(flight.future)
        if isinstance(result, Missing):
            flight.future = self._submit(flight.packed, self._payload(), thorough, beaten)
            result = _result(flight.future)
        return result


@contextmanager
def dispatched(executor: Any, sides: Sides, model: Any, payload: Callable[[], bytes]) -> Generator[Dispatch]:
    """Yield what hands out batches; workers in this process use `sides`, others what `payload` returns.

    `payload` is called when a worker asks for it, once.
    """
    key = uuid.uuid4().hex
    kept: list[bytes] = []

    def once() -> bytes:
        if not kept:
            kept.append(payload())
        return kept[0]

    dispatch = Dispatch(executor, key, once)
    keep_here(key, sides, model)
    try:
        yield dispatch
    finally:
        dispatch.cancel()
        release(key)


def named(executor: Any) -> str:
    """Return who ran a sweep, for a person."""
    kind = type(executor).__name__
    workers = getattr(executor, "_max_workers", None)
    known = {"ProcessPoolExecutor": "process", "ThreadPoolExecutor": "thread"}
    if not isinstance(workers, int) or kind not in known:
        return kind
    plural = {"process": "processes", "thread": "threads"}[known[kind]]
    return f"{workers} {plural if workers != 1 else known[kind]}"


def _in_flight(executor: Any) -> int:
    """Return how many batches keep all workers busy: one in work and one that waits, for each."""
    workers = getattr(executor, "_max_workers", None)
    client = getattr(executor, "_client", None)
    if not isinstance(workers, int) and client is not None:
        with suppress(Exception):  # another client than Dask's
            workers = sum(client.nthreads().values())
    return 2 * (workers if isinstance(workers, int) and workers > 0 else os.cpu_count() or 1)


def _result(future: Any) -> Any:
    try:
        return future.result()
    except ModelFails:
        raise
    except Exception as error:
        raise ExecutorFails(one_line(error)) from error
