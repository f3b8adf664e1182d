"""The files that travel with a model: looked up, never opened, and only inside the model's own folder.

A model names its data files itself, and a stranger's model may name ``/etc/passwd``, ``../secret`` or a link to either.
The folder is the one that the model is in; where the model's name is a link, as in Hugging Face's cache, the folder of
the real file too. ONNX Runtime 1.31 draws the same line (``External data path escapes model directory``).
"""

from __future__ import annotations

import stat
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from onnxmagic.check.evidence import Sidecar
from onnxmagic.graph.external import External, external
from onnxmagic.graph.read import NotAModel, skeleton
from onnxmagic.graph.weights import inside

__all__ = ["sidecars", "strays"]

PADDING: Final = 65_536
"""Data starts at multiples of up to this many bytes, so a gap of less between two tensors is no lost data."""

MOST_NEIGHBOURS: Final = 20
"""Models in one folder that are asked what they refer to; in a fuller one nothing is called stray."""

_SUFFIXES: Final = (".onnx.data", ".onnx_data", ".data")


def sidecars(path: Path, places: Sequence[External]) -> tuple[Sidecar, ...]:
    """Return the files that `places`, found in the model at `path`, are in."""
    by_location: dict[str, list[External]] = defaultdict(list)
    for place in places:
        by_location[place.location].append(place)
    return tuple(_sidecar(path, location, group) for location, group in by_location.items())


def strays(path: Path, used: Iterable[Sidecar]) -> tuple[tuple[str, int], ...]:
    """Return name and bytes of the data files that bear the name of the model at `path` and belong to no model.

    A file that another model in the folder refers to is not one of them.
    """
    own = {sidecar.location for sidecar in used}
    names = [f"{path.name.removesuffix('.onnx')}{suffix}" for suffix in _SUFFIXES]
    suspects = {name: size for name in names if name not in own and (size := _regular_size(path.with_name(name)))}
    if suspects:
        elsewhere = _named_by_neighbours(path)
        if elsewhere is None:
            return ()
        suspects = {name: size for name, size in suspects.items() if name not in elsewhere}
    return tuple(suspects.items())


def _sidecar(path: Path, location: str, places: Sequence[External]) -> Sidecar:
    needed = max(place.offset + place.length for place in places)
    used = _covered(places)
    if _escapes(path, location):
        return Sidecar(location, needed, None, escapes=True, used=used)
    size = _regular_size(path.parent / location) if location else None
    if size is not None and size > used:
        used += _used_by_neighbours(path, location, size - used)
    return Sidecar(location, needed, size, used=used)


def _covered(places: Sequence[External]) -> int:
    """Return the bytes that are used up to the last one, gaps that only align the next tensor included."""
    total = end = 0
    for place in sorted(places, key=lambda p: p.offset):
        gap = place.offset - end
        total += gap if 0 < gap <= PADDING else 0
        total += max(0, place.offset + place.length - max(end, place.offset))
        end = max(end, place.offset + place.length)
    return total


def _escapes(path: Path, location: str) -> bool:
    """Return whether `location` leads out of the folder of the model at `path`, by its text or through a link."""
    try:
        return inside(path, location) is None
    except (OSError, ValueError):  # a name that no system has: it is not there
        return False


def _regular_size(path: Path) -> int | None:
    """Return the bytes of the file at `path`; None where there is none, or something that is no file."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _used_by_neighbours(path: Path, location: str, most: int) -> int:
    """Return how many bytes of `location` other models use, so far as that matters: two models may share one file."""
    elsewhere = _named_by_neighbours(path)
    return most if elsewhere is None or location in elsewhere else 0


def _named_by_neighbours(path: Path) -> set[str] | None:
    """Return what the other models in the folder refer to; None when there are too many of them to ask."""
    others = [other for other in path.parent.glob("*.onnx") if other.name != path.name and other.is_file()]
    if len(others) > MOST_NEIGHBOURS:
        return None
    return {location for other in others for location in _named_by(other)}


def _named_by(path: Path) -> set[str]:
    try:
        return {place.location for place in external(skeleton(path))}
    except (NotAModel, OSError):
        return set()
