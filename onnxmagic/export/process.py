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
from collections.abc import Callable, Generator
from pathlib import Path
from types import FrameType

import numpy as np
import torch

__all__ = [
    "deferred_interrupt",
    "little_collection",
    "noticed_interrupts",
    "one_thread",
    "process_state",
    "random_state",
]


@contextlib.contextmanager
def deferred_interrupt() -> Generator[None]:
    """Hold back KeyboardInterrupt until the block is done; a half-restored model would be worse than a late one."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[int] = []
    try:
        before = signal.signal(signal.SIGINT, lambda number, _: caught.append(number))
    except ValueError:  # an embedded interpreter: Python owns no signals there, so no interrupt can come
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if caught:
        raise KeyboardInterrupt


@contextlib.contextmanager
def noticed_interrupts() -> Generator[Callable[[], None]]:
    """Yield a function that raises KeyboardInterrupt when one came and got lost.

    Python throws away what is raised in a weak reference's callback, and torch's exporter runs thousands of those: an
    interrupt that arrives there would leave the user waiting.
    """
    pending: list[int] = []

    def check() -> None:
        if pending:
            pending.clear()
            raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield check
        return

    def notice(number: int, frame: FrameType | None) -> None:
        pending.append(number)
        before(number, frame)

    signal.signal(signal.SIGINT, notice)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, before)


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


@contextlib.contextmanager
def little_collection() -> Generator[Callable[[], None]]:
    """Keep Python's garbage collector from walking through all of torch and the notebook again and again.

    What exists is set aside (``gc.freeze``) and given back at the end; new garbage is collected as ever. The function
    that is yielded sets aside what has come since, such as what the exporter left behind.
    """
    if gc.get_freeze_count():  # somebody else has set things aside, and ``gc.unfreeze`` would give all of it back
        yield lambda: None
        return
    gc.freeze()
    try:
        yield gc.freeze
    finally:
        gc.unfreeze()


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
