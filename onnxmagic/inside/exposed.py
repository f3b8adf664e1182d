"""Every value of a file, not only its outputs, from one run.

The runtime is given a copy that declares more outputs. To read and parse half a gigabyte takes ONNX Runtime ten times
as long as to run it, so the copy holds no weights: they lie in a second file beside it, which is mapped into memory.
Each begins at a multiple of 64 bytes there, as the kernels of a runtime may expect.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Protocol

from onnxmagic.graph.read import skeleton
from onnxmagic.graph.weights import Weights, weights
from onnxmagic.graph.wire import LEFT_OUT
from onnxmagic.runtime.protocol import Array, Runtime, Session

if TYPE_CHECKING:
    import onnx

__all__ = ["Elsewhere", "giving", "values_of"]

_ALIGNED: Final = 64
_BESIDE: Final = "weights"


class Elsewhere(Runtime, Protocol):
    """A runtime that takes a file whose external data lies in another folder."""

    def load(self, path: Path, *, optimize: bool = True, weights_in: Path | None = None) -> Session:
        """Load a file."""
        ...


def values_of(
    runtime: Elsewhere,
    path: Path,
    names: Iterable[str],
    feeds: Mapping[str, Array],
    *,
    external: bool,
    folder: Path | None = None,
) -> dict[str, Any]:
    """Run the file at `path` as it stands, unoptimised, and return its outputs and the values called `names`.

    Parameters are those of ``giving``; `feeds` are arrays by the names of the inputs.

    Raises
    ------
    NotLoadable
        The runtime does not want to give one of the values away.
    OSError
        There is no room for the copy.
    """
    session = giving(runtime, path, names, external=external, folder=folder)
    return dict(zip(session.outputs, session.run(feeds), strict=True))


def giving(
    runtime: Elsewhere, path: Path, names: Iterable[str], *, external: bool, folder: Path | None = None
) -> Session:
    """Load the file at `path` as it stands, unoptimised, so that it gives the values called `names` as outputs too.

    Nothing is written beside the file.

    Parameters
    ----------
    names : iterable of str
        Values that nodes of the main graph give.
    external : bool
        The file has external data, which is beside it.
    folder : Path, optional
        Where the copy is made for the time of the loading; the system's folder for temporary files by default.

    Raises
    ------
    NotLoadable
        The runtime does not want to give one of the values away.
    OSError
        There is no room for the copy.
    """
    with tempfile.TemporaryDirectory(prefix="onnxmagic-", dir=folder) as copies:
        copy = Path(copies) / "model.onnx"
        whole = external or not _split(path, copy)
        if whole:
            shutil.copyfile(path, copy)
        _give_away(copy, names)
        return runtime.load(copy, optimize=False, weights_in=path.parent if external else None)


def _give_away(copy: Path, names: Iterable[str]) -> None:
    """Declare more outputs in the file `copy`.

    A protobuf message that is written twice is read as one, the second merged into the first
    (https://protobuf.dev/programming-guides/encoding/#optional), so a few bytes behind a file do it.
    """
    import onnx

    more = onnx.ModelProto()
    for name in names:
        more.graph.output.add(name=name)  # ONNX Runtime infers the type
    with copy.open("ab") as file:
        file.write(more.SerializeToString())


def _split(path: Path, copy: Path) -> bool:
    """Write the file at `path` to `copy`, its larger weights beside it; return whether all of it could be so written.

    What cannot: large tensors elsewhere than among the main graph's weights, and damaged ones.
    """
    model = skeleton(path)
    large = [each for each in model.graph.initializer if any(entry.key == LEFT_OUT for entry in each.metadata_props)]
    with weights(path, [each.name for each in large]) as values, (copy.parent / _BESIDE).open("wb") as beside:
        if not all(_moved(each, values, beside) for each in large):
            return False
    written = model.SerializeToString()
    copy.write_bytes(written)
    return LEFT_OUT.encode() not in written


def _moved(tensor: onnx.TensorProto, values: Weights, beside: BinaryIO) -> bool:
    """Write the values of `tensor` to the file `beside` and point to them; return whether they can be had."""
    import onnx

    length = values.nbytes(tensor.name)
    beside.seek(-beside.tell() % _ALIGNED, 1)
    place = {"location": _BESIDE, "offset": str(beside.tell()), "length": str(length)}
    beside.writelines(values.blocks(tensor.name))
    kept = [entry for entry in tensor.metadata_props if entry.key != LEFT_OUT]
    del tensor.metadata_props[:]
    tensor.metadata_props.extend(kept)
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in place.items():
        tensor.external_data.add(key=key, value=value)
    return length > 0
