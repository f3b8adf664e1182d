"""What belongs to the process and not to the model: remembered, and put back.

A forward may seed a generator or change the default dtype; our own runs draw random numbers and silence warnings. None
of it may reach the next cell.
"""

from __future__ import annotations

import contextlib
import gc
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Collection, Generator
from pathlib import Path
from types import FrameType
from typing import Final

import numpy as np
import torch

__all__ = [
    "Numbers",
    "forget_interrupts",
    "little_collection",
    "no_collection",
    "noticed_interrupts",
    "one_thread",
    "process_state",
    "random_state",
]

SET_ASIDE_BY_PYTHON = 1000
"""More objects than Python itself sets aside while it starts: 375 in 3.12, none in other versions."""


_PENDING: Final[list[int]] = []
"""Interrupts that came during ``noticed_interrupts``."""


@contextlib.contextmanager
def noticed_interrupts() -> Generator[Callable[[], None]]:
    """Yield a function that raises KeyboardInterrupt when one came and got lost.

    Python throws away what is raised in a weak reference's callback, and torch's exporter runs thousands of those: an
    interrupt that arrives there would leave the user waiting.
    """
    forget_interrupts()

    def check() -> None:
        if _PENDING:
            forget_interrupts()
            raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield check
        return

    def notice(number: int, frame: FrameType | None) -> None:
        _PENDING.append(number)
        before(number, frame)

    signal.signal(signal.SIGINT, notice)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, before)


def forget_interrupts() -> None:
    """Let ``noticed_interrupts`` raise none of those so far: somebody has heeded them."""
    _PENDING.clear()


@contextlib.contextmanager
def random_state() -> Generator[None]:
    """Give Python's, numpy's and torch's generators back as they were."""
    python, numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)


class Numbers:
    """The random numbers that would come next, of Python, numpy and torch."""

    SOURCES = ("python", "numpy", "torch")

    def __init__(self) -> None:
        self._python, self._numpy, self._torch = random.getstate(), np.random.get_state(), torch.get_rng_state()

    def draw(self, again: Collection[str] = SOURCES) -> None:
        """Let the sources in `again` give the same numbers again, and the others others."""
        random.setstate(self._python) if "python" in again else random.seed(1)
        np.random.set_state(self._numpy) if "numpy" in again else np.random.seed(1)
        torch.set_rng_state(self._torch) if "torch" in again else torch.default_generator.manual_seed(1)


@contextlib.contextmanager
def little_collection() -> Generator[Callable[[], None]]:
    """Keep Python's garbage collector from walking through all of torch and the notebook again and again.

    What exists is set aside (``gc.freeze``) and given back at the end; new garbage is collected as ever. The function
    that is yielded sets aside what has come since, such as what the exporter left behind.
    """
    if gc.get_freeze_count() > SET_ASIDE_BY_PYTHON:  # somebody else's, and ``gc.unfreeze`` would give all of it back
        yield lambda: None
        return
    gc.freeze()
    try:
        yield gc.freeze
    finally:
        gc.unfreeze()


@contextlib.contextmanager
def no_collection(then: Callable[[], None] = lambda: None) -> Generator[None]:
    """Keep the garbage collector off, and call `then` before it is on again.

    torch's exporter makes millions of small objects, and 15 % of its time would be that.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        then()
        if enabled:
            gc.enable()


@contextlib.contextmanager
def one_thread() -> Generator[None]:
    """Let PyTorch compute on one thread: several wait for each other, and starve while another works beside them."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextlib.contextmanager
def process_state() -> Generator[None]:
    """Give warning filters, gradient mode, default dtype and device, search path and folder back as they were."""
    folder = _folder()
    dtype, device, paths = torch.get_default_dtype(), torch.get_default_device(), list(sys.path)
    threads = torch.get_num_threads()
    with warnings.catch_warnings(), torch.set_grad_enabled(torch.is_grad_enabled()):
        try:
            yield
        finally:
            sys.path[:] = paths
            torch.set_default_dtype(dtype)
            if torch.get_default_device() != device:
                torch.set_default_device(device)
            if torch.get_num_threads() != threads:
                torch.set_num_threads(threads)
            if folder is not None and _folder() != folder:
                os.chdir(folder)


def _folder() -> Path | None:
    try:
        return Path.cwd()
    except FileNotFoundError:  # somebody removed it; it cannot be restored either
        return None
