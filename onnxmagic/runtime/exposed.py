"""Every value of a file, not only its outputs, from one run.

A protobuf message that is written twice is read as one, the second merged into the first
(https://protobuf.dev/programming-guides/encoding/#optional). So a few bytes behind a copy of the file declare more
outputs, and the gigabytes before them are copied by the system, not parsed and written again.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from onnxmagic.runtime.protocol import Array, Runtime, Session

__all__ = ["values_of", "values_of_copy"]


class Elsewhere(Protocol):
    """A runtime that takes a file whose external data lies in another folder."""

    def load(self, path: Path, *, optimize: bool = True, weights_in: Path | None = None) -> Session:
        """Load a file."""
        ...


def values_of(
    runtime: Runtime, path: Path, names: Iterable[str], feeds: Mapping[str, Array], *, folder: Path | None = None
) -> dict[str, Any]:
    """Run the file at `path` as it stands, unoptimised, and return its outputs and the values called `names`.

    Parameters
    ----------
    names : iterable of str
        Values that nodes of the main graph give.
    folder : Path, optional
        Where the copy is made for the time of the run; beside the file by default, as external data is found there.

    Raises
    ------
    NotLoadable
        The runtime does not want to give one of the values away.
    OSError
        There is no room for the copy.
    """
    copy = (folder or path.parent) / f"{path.name}.values"
    try:
        _copy(path, copy, names)
        session = runtime.load(copy, optimize=False)
    finally:
        copy.unlink(missing_ok=True)
    return dict(zip(session.outputs, session.run(feeds), strict=True))


def values_of_copy(
    runtime: Elsewhere, path: Path, names: Iterable[str], feeds: Mapping[str, Array], *, external: bool
) -> dict[str, Any]:
    """Do as ``values_of``, with the copy in a folder for temporary files: nothing is written beside the file.

    Parameters
    ----------
    external : bool
        The file has external data, which is beside it.

    Raises
    ------
    NotLoadable
    OSError
    """
    with tempfile.TemporaryDirectory(prefix="onnxmagic-") as folder:
        copy = Path(folder) / "model.onnx"
        _copy(path, copy, names)
        session = runtime.load(copy, optimize=False, weights_in=path.parent if external else None)
    return dict(zip(session.outputs, session.run(feeds), strict=True))


def _copy(path: Path, copy: Path, names: Iterable[str]) -> None:
    """Write the file at `path` to `copy`, with the values called `names` among its outputs."""
    import onnx

    more = onnx.ModelProto()
    for name in names:
        more.graph.output.add(name=name)  # ONNX Runtime infers the type
    shutil.copyfile(path, copy)
    with copy.open("ab") as file:
        file.write(more.SerializeToString())
