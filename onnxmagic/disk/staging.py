"""Beside the target, then over it: what is there is replaced whole or not touched.

Everything is made, checked and proved in a hidden folder beside the target. Only the last step touches the target, with
interrupts held back, so what failed, was interrupted or ran out of space leaves the old files and no others.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Generator, Sequence
from pathlib import Path

from onnxmagic.disk.interrupt import deferred_interrupt
from onnxmagic.errors import WriteFailed
from onnxmagic.graph.read import read
from onnxmagic.graph.wire import NotAModel

__all__ = ["install", "staging", "write_failed"]


@contextlib.contextmanager
def staging(target: Path | None) -> Generator[Path]:
    """Yield an empty folder on the target's own disk, and remove it with all that is left in it."""
    parent = None if target is None else target.parent
    prefix = "onnxmagic-" if target is None else f".{target.name}."
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    try:
        yield folder
    finally:
        with deferred_interrupt():
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def write_failed(target: Path | None) -> Generator[None]:
    """Turn an error of the disk into a short report."""
    try:
        yield
    except OSError as error:
        name = target.name if target is not None else "the model"
        folder = target.parent if target is not None else Path(tempfile.gettempdir())
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            reason = f"no space left on the disk of {folder}"
        else:
            reason = error.strerror or str(error)
        raise WriteFailed(f"Could not write {name}: {reason}.", advice="what was there before is untouched") from error


def install(staged: Sequence[Path], target: Path) -> list[Path]:
    """Move the staged .onnx file, and its weights if there are any, over the target: both or none.

    Weights that belonged to the replaced file, and to no other name, are removed with it.
    """
    weights = target.with_name(target.name + ".data")
    stale = len(staged) == 1 and _refers_to(target, weights)
    with deferred_interrupt():
        if len(staged) == 2:
            _replace_both(staged, target, weights)
        else:
            staged[0].replace(target)
        if stale:
            weights.unlink(missing_ok=True)
        _sync_folder(target.parent)
    return [target, weights][: len(staged)]


def _replace_both(staged: Sequence[Path], target: Path, weights: Path) -> None:
    backup = staged[1].with_name("backup")
    had_weights = weights.exists()
    if had_weights:
        weights.replace(backup)
    try:
        staged[1].replace(weights)
        staged[0].replace(target)
    except OSError:
        weights.unlink(missing_ok=True)
        if had_weights:
            backup.replace(weights)
        raise


def _refers_to(model: Path, weights: Path) -> bool:
    """Return whether the model at `model` keeps its weights in `weights`."""
    if not weights.is_file() or not model.is_file():
        return False
    try:
        return any(tensor.external == weights.name for tensor in read(model).initializers)
    except (NotAModel, OSError):
        return False


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # not every file system lets a folder be synced; the files are
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
