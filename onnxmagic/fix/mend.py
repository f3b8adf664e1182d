"""A file read, rewritten and written anew; what it was made from is only read.

Where the new file goes, and what has to be true before it replaces anything, is the caller's: it stages, checks, proves
and installs, as for an export.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from onnxmagic.check.evidence import Sidecar
from onnxmagic.check.wording import code, sentence
from onnxmagic.errors import FixFailed, UsageMistake
from onnxmagic.fix.apply import Applied, apply
from onnxmagic.fix.fixes import Fixes
from onnxmagic.fix.hush import hushed
from onnxmagic.fix.load import load
from onnxmagic.fix.rewrites.dropout_to_identity import live_dropouts, switch_off
from onnxmagic.graph.checker import structure_error

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

__all__ = ["Checker", "Mended", "check_output", "inference_twin", "mend_file"]

Checker = Callable[[Path | bytes], str]
"""Returns what is wrong with a file, one line, or nothing."""


@dataclass(frozen=True, slots=True)
class Mended:
    """A mended file.

    Attributes
    ----------
    changes : tuple of str
        What was changed, a sentence each; empty when there was nothing to do, and then nothing was written.
    left : tuple of str
        What could not be done and why, a sentence each.
    files : tuple of Path
        The .onnx file and, for a model of two, its weights.
    applied : Applied
    """

    changes: tuple[str, ...]
    left: tuple[str, ...]
    files: tuple[Path, ...]
    applied: Applied


def mend_file(
    source: Path | bytes,
    fixes: Fixes,
    output: Path,
    *,
    sidecars: Sequence[Sidecar] = (),
    checker: Checker = structure_error,
) -> Mended:
    """Write `source`, mended, to `output`, an empty place in a folder of the caller's (``disk.staging``).

    A model whose weights are in a second file stays one of two files, unless ``single-file`` moved them inside.

    Parameters
    ----------
    source : Path or bytes
        A .onnx file.
    fixes : Fixes
    output : Path
    sidecars : sequence of Sidecar
        The files of the source's external data, as they were looked up; others are not opened.
    checker : callable
        Judges the source before it is read, because strange files bring down what reads them, and then the result.

    Raises
    ------
    UsageMistake
        The source cannot be read whole.
    FixFailed
        The checker refuses the source, a rewrite failed, or the checker refuses what it made; the message names it.
    OSError
        The disk refused.
    """
    refused = checker(source)
    if refused:
        raise FixFailed(
            f"ONNX's checker refuses the file as it is, and no rewrite mends that: {sentence(refused)}",
            advice="export the model again",
        )
    model = load(source, sidecars)
    applied = apply(model, fixes)
    if not applied.changes:
        return Mended((), applied.left, (), applied)
    external = bool(sidecars) and not applied.did("single-file")
    files = _write(model, output, external=external)
    refused = checker(files[0])
    if refused:
        guilty = _guilty(source, applied, output.with_name("trial"), sidecars, checker)
        raise FixFailed(f"After the rewrite {code(guilty)} ONNX's checker refuses the file: {sentence(refused)}")
    return Mended(applied.changes, applied.left, tuple(files), applied)


def inference_twin(source: Path | bytes, output: Path, *, sidecars: Sequence[Sidecar] = ()) -> Path:
    """Write the source to `output` with nothing changed but that its live dropouts are no more told to train.

    As it stands such a file gives another answer on every run, so a mended one cannot be compared with it. By ONNX's
    definition this is what it computes in inference.
    """
    model = load(source, sidecars)
    for node in list(live_dropouts(model)):
        switch_off(node)
    return _write(model, output, external=bool(sidecars))[0]


def check_output(source: Path | bytes, output: Path, sidecars: Sequence[Sidecar]) -> None:
    """Refuse an output that would replace weights which the source needs.

    Raises
    ------
    UsageMistake
    """
    if isinstance(source, bytes):
        return
    for sidecar in sidecars:
        weights, beside = source.parent / sidecar.location, output.with_name(f"{output.name}.data")
        if _same(weights, output) or (_same(weights, beside) and not _same(source, output)):
            raise UsageMistake(
                f"{code(sidecar.location)} holds the weights of {code(source.name)}, and writing {code(output.name)} "
                "would replace it; choose another name."
            )


def _guilty(source: Path | bytes, applied: Applied, folder: Path, sidecars: Sequence[Sidecar], checker: Checker) -> str:
    """Return the name of the first rewrite after which the checker refuses the file."""
    names = [rewrite.name for rewrite in applied.rewrites]
    folder.mkdir()
    for count in range(1, len(names)):
        model = load(source, sidecars)
        apply(model, Fixes("", tuple(names[:count])))
        if checker(_write(model, folder / "model.onnx", external=bool(sidecars))[0]):
            return names[count - 1]
    return names[-1]


def _write(model: ir.Model, path: Path, *, external: bool) -> list[Path]:
    import onnx_ir as ir

    from onnxmagic.disk.weights import take_weights
    from onnxmagic.disk.write import write_model

    mapped = [v.const_value for v in model.graph.initializers.values() if isinstance(v.const_value, ir.ExternalTensor)]
    try:
        weights = take_weights(model.graph)
        for value in model.graph.initializers.values():  # what is small goes into the graph message
            if isinstance(value.const_value, ir.ExternalTensor):
                tensor = value.const_value
                value.const_value = ir.Tensor(tensor.numpy().copy(), dtype=tensor.dtype, name=tensor.name)
        return write_model(_proto(model), weights, path, external=external)
    except ValueError as error:
        raise FixFailed(f"The file's weights do not have the size that it says: {sentence(str(error))}") from error
    finally:
        for tensor in mapped:
            tensor.release()  # an open map would keep the file from being replaced on some systems


def _proto(model: ir.Model) -> onnx.ModelProto:
    import onnx_ir as ir

    try:
        with hushed():
            return ir.to_proto(model)
    # A name that is no text, for example; onnx_ir has many words for it.
    except Exception as error:
        reason = sentence(str(error.__cause__ or error), 200)
        raise FixFailed(f"The file holds what onnx_ir cannot write again: {reason}") from error


def _same(first: Path, second: Path) -> bool:
    return os.path.realpath(first) == os.path.realpath(second)
