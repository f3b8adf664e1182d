"""The file of an export, asked for the values in it: run where it was proved, in this process, on its own example."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from onnxmagic.check.wording import code
from onnxmagic.errors import UsageMistake, ValueUnavailable
from onnxmagic.export.artifact import Artifact
from onnxmagic.export.example import Example
from onnxmagic.export.proof_inputs import feeds_of
from onnxmagic.graph.facts import Graph
from onnxmagic.inside.exposed import values_of
from onnxmagic.inside.file import Feeds, Inside
from onnxmagic.inside.selection import KEPT_BYTES, On, Selection
from onnxmagic.runtime.ort import OnnxRuntime, plain_reason

__all__ = ["OwnFile", "kept_example"]


def kept_example(example: Example, graph: Graph) -> Feeds:
    """Return copies of the example's tensors as the inputs of `graph`; nothing where they are over ``KEPT_BYTES``."""
    wanted = {value.name: value.dtype for value in graph.inputs}
    feeds = {name: array for name, array in feeds_of(example).items() if name in wanted}
    if sum(array.nbytes for array in feeds.values()) > KEPT_BYTES:
        return {}
    # A rewrite (--fix double-to-float) may have changed what an input takes.
    return {
        name: array.astype(wanted[name])
        if array.dtype.kind == "f" and wanted[name].startswith("float")
        else array.copy()
        for name, array in feeds.items()
    }


class OwnFile(Inside):
    """The file of an export.

    Parameters
    ----------
    graph : Graph
    selection : Selection
    artifact : Artifact
    example : dict
        Input name to array; empty where it was not kept.
    """

    def __init__(self, graph: Graph, selection: Selection, artifact: Artifact, example: Mapping[str, Any]) -> None:
        super().__init__(graph, selection)
        self.artifact = artifact
        self.example = dict(example)

    def source(self) -> Path | bytes:
        """Return the file's path, or its bytes."""
        self.artifact.check_unchanged()
        return self.artifact.files[0] if self.artifact.files else self.artifact.data or b""

    def run(self, name: str, given: Feeds | None) -> tuple[Mapping[str, Any], On]:
        """Run the file on `given`, or on the example."""
        source = self.source()
        feeds = self.example if given is None else given
        if given is None and not feeds and self.graph.inputs:
            raise UsageMistake(
                f"The example is larger than {KEPT_BYTES // 2**20} MB, so it was not kept with the export. Pass "
                f"inputs: .value({name!r}, {{{self.graph.inputs[0].name!r}: array, …}})"
            )
        runtime = OnnxRuntime()
        if runtime.missing():
            raise ValueUnavailable(f"{code(name)} was not computed: {runtime.missing()}.")
        external = any(weight.external is not None for weight in self.graph.initializers)
        try:
            values = self._values(runtime, source, name, feeds, external=external)
        except Exception as error:  # whatever the runtime raises is its refusal to run
            raise ValueUnavailable(
                f"The file does not run with {code(name)} given away: {plain_reason(error)}"
            ) from error
        return {**feeds, **values}, "your example" if given is None else "your inputs"

    def _values(
        self, runtime: OnnxRuntime, source: Path | bytes, name: str, feeds: Feeds, *, external: bool
    ) -> dict[str, Any]:
        if isinstance(source, Path):
            return values_of(runtime, source, self.exposed(name), feeds, external=external)
        with tempfile.TemporaryDirectory(prefix="onnxmagic-") as folder:
            path = Path(folder) / "model.onnx"
            path.write_bytes(source)
            return values_of(runtime, path, self.exposed(name), feeds, external=False)
