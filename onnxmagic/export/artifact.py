"""The file, or the pair of files: staged beside the target, then moved over it whole.

Everything is made, checked and proved in a hidden folder beside the target. Only the last step touches the target, with
interrupts held back, so a failed, interrupted or out-of-space export leaves the old files and no others.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import onnx

from onnxmagic.errors import UsageMistake, WriteFailed
from onnxmagic.export.process import deferred_interrupt
from onnxmagic.export.request import check_target
from onnxmagic.graph.read import read
from onnxmagic.graph.wire import NotAModel

__all__ = ["Artifact", "install", "staging", "write_failed"]

Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Artifact:
    """An exported model: files on disk, or bytes in memory.

    ``files`` are the .onnx file and, for a model of two, its weights; ``data`` is the model itself when it has none.
    """

    files: tuple[Path, ...] = ()
    data: bytes | None = None
    stamp: Stamp = ()

    @classmethod
    def on_disk(cls, files: Sequence[Path]) -> Artifact:
        """Return the artifact for files that are in their place."""
        return cls(tuple(files), stamp=_stamp(files))

    def model_proto(self) -> onnx.ModelProto:
        """Return the whole model, weights included."""
        self._check_unchanged()
        return onnx.load_model_from_string(self.data) if self.data is not None else onnx.load(str(self.files[0]))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the model to `path`, replaced whole or not touched."""
        target = check_target(path)
        self._check_unchanged()
        if self.files and target == self.files[0]:
            return target
        with write_failed(target), staging(target) as folder:
            install(self._copy_into(folder, target.name), target)
        return target

    def _copy_into(self, folder: Path, name: str) -> list[Path]:
        main = folder / name
        if self.data is not None:
            main.write_bytes(self.data)
            return [main]
        if len(self.files) == 1:
            shutil.copyfile(self.files[0], main)
            return [main]
        model = onnx.load(str(self.files[0]), load_external_data=False)
        weights = folder / f"{name}.data"
        for tensor in model.graph.initializer:
            for entry in tensor.external_data:
                if entry.key == "location":
                    entry.value = weights.name
        main.write_bytes(model.SerializeToString())
        shutil.copyfile(self.files[1], weights)
        return [main, weights]

    def _check_unchanged(self) -> None:
        if not self.files and self.data is None:
            raise UsageMistake("This export was not kept, because of --fail-on; export again without it.")
        if self.files and _stamp(self.files) != self.stamp:
            raise UsageMistake(f"{self.files[0]} has been changed since this export; export again.")


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


def _stamp(files: Sequence[Path]) -> Stamp:
    def one(path: Path) -> tuple[str, int, int]:
        try:
            status = path.stat()
        except OSError:
            return (str(path), 0, -1)
        return (str(path), status.st_mtime_ns, status.st_size)

    return tuple(one(path) for path in files)
