"""Where a file is worked on: a place on the disk, so much memory, and ONNX's checker in the process beside ours."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Generator, Sequence
from pathlib import Path

from onnxmagic.check.evidence import Sidecar
from onnxmagic.examine.subject import Subject
from onnxmagic.runtime.apart import MEMORY, Apart, Died, Raised

__all__ = ["memory_for", "on_disk", "structure"]

CHECKER_SECONDS = 20.0


def structure(apart: Apart, path: Path) -> tuple[str, tuple[str, ...]]:
    """Return what ONNX's checker has against the file at `path`, and what it could not be asked, a sentence each."""
    try:
        call = "onnxmagic.graph.checker:structure_error"
        return str(apart.call(call, str(path), seconds=CHECKER_SECONDS)), ()
    except Died as error:
        if error.cause == "crash":
            return f"it cannot be read to its end, {error}", ()
        return "", (f"The ONNX checker was given up: {error}.",)
    except Raised as error:
        return str(error), ()


def memory_for(path: Path, beside: Sequence[Sidecar]) -> int:
    """Return the memory that running the file may take: its weights a few times, and room for what it computes."""
    return MEMORY + 4 * (path.stat().st_size + sum(sidecar.size or 0 for sidecar in beside))


@contextlib.contextmanager
def on_disk(subject: Subject) -> Generator[Path]:
    """Yield the path of the file, of a copy when it has none."""
    if subject.path is not None:
        yield subject.path
        return
    with tempfile.TemporaryDirectory(prefix="onnxmagic-") as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(subject.data or b"")
        yield path
