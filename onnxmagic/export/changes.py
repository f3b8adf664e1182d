"""What an export changes in the file that it replaces, found while both still exist.

It is the reason to export after every experiment, and must never be the reason that an export fails: an old file that
is damaged, no model at all or far too large has a reason in the report and no diff.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from onnxmagic.check.wording import size
from onnxmagic.diff.between import between
from onnxmagic.diff.result import Diff
from onnxmagic.diff.versions import versions
from onnxmagic.graph.facts import Graph
from onnxmagic.graph.read import NotAModel, read

__all__ = ["Changes", "changes_since"]

MOST_BYTES: Final = 4 * 10**9
"""Of weights: about four seconds. An export must not wait longer for what nobody asked for."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The diff to the file before, or why there is none; neither where nothing was replaced."""

    diff: Diff | None = None
    reason: str = ""


def changes_since(target: Path, new: Path, graph: Graph) -> Changes:
    """Return what changes when `new`, of which `graph` is known, is moved over `target`.

    The diff has no values of the file before, which will be gone: only what was computed from them.
    """
    try:
        return _compared(target, new, graph)
    except NotAModel as error:
        # What to do about a file that is no model is of no interest any more.
        return Changes(reason=str(error).partition("; ")[0])
    except OSError as error:
        return Changes(reason=f"it cannot be read: {error.strerror or error}")
    # The old file is a stranger's. Whatever comparing it runs into, the export itself is done and good.
    except Exception as error:  # noqa: BLE001
        return Changes(reason=f"comparing the two failed: {type(error).__name__}: {error}")


def _compared(target: Path, new: Path, graph: Graph) -> Changes:
    old = read(target)
    if max(graph.nbytes, old.nbytes) > MOST_BYTES:
        return Changes(
            reason=f"files with more than {size(MOST_BYTES)} of weights are not compared at every export; "
            "save the next one under another name, and `%onnx_diff` compares them"
        )
    diff = between(*versions(target, new, (f"{target.name} before", target.name), (old, graph)))
    if diff.a.nodes and not diff.matching.pairs:
        return Changes(reason="it held another model, which shares nothing with this one")
    return Changes(replace(diff, a=replace(diff.a, source=None), b=replace(diff.b, source=target)))
