"""An exported model as it lies: files on disk or bytes in memory, to be loaded and saved elsewhere.

A file that somebody changed since is no longer the one that was proved, so it is not handed out as such.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import onnx

from onnxmagic.disk.staging import install, staging, write_failed
from onnxmagic.errors import UsageMistake
from onnxmagic.export.request import check_target

__all__ = ["Artifact"]

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
        self.check_unchanged()
        return onnx.load_model_from_string(self.data) if self.data is not None else onnx.load(str(self.files[0]))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the model to `path`, replaced whole or not touched."""
        target = check_target(path)
        self.check_unchanged()
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

    def check_unchanged(self) -> None:
        """Raise UsageMistake when this is no longer, or never was, the model that was proved."""
        if not self.files and self.data is None:
            raise UsageMistake("This export was not kept, because of --fail-on; export again without it.")
        if self.files and _stamp(self.files) != self.stamp:
            raise UsageMistake(f"{self.files[0]} has been changed since this export; export again.")


def _stamp(files: Sequence[Path]) -> Stamp:
    def one(path: Path) -> tuple[str, int, int]:
        try:
            status = path.stat()
        except OSError:
            return (str(path), 0, -1)
        return (str(path), status.st_mtime_ns, status.st_size)

    return tuple(one(path) for path in files)
