"""Every value of a file, not only its outputs, from one run.

A protobuf message that is written twice is read as one, the second merged into the first
(https://protobuf.dev/programming-guides/encoding/#optional). So a few bytes behind a copy of the file declare more
outputs, and the gigabytes before them are copied by the system, not parsed and written again.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from onnxmagic.runtime.protocol import Array, Runtime

__all__ = ["values_of"]


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
    import onnx

    more = onnx.ModelProto()
    for name in names:
        more.graph.output.add(name=name)  # ONNX Runtime infers the type
    copy = (folder or path.parent) / f"{path.name}.values"
    try:
        shutil.copyfile(path, copy)
        with copy.open("ab") as file:
            file.write(more.SerializeToString())
        session = runtime.load(copy, optimize=False)
    finally:
        copy.unlink(missing_ok=True)
    return dict(zip(session.outputs, session.run(feeds), strict=True))
