"""How findings are put into words, so that two rules say the same thing in the same way.

Names come out of models and files: they are cut, kept on one line and freed of backquotes before they are quoted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from onnxmagic.check.evidence import AxisTrial, RunCase

__all__ = ["at_sizes", "axis", "code", "enumerated", "listed", "member", "module_name", "sentence", "size"]

_INPUTS: Final = {"example": "on your example", "data": "on your data", "made up": "on made-up inputs"}


def code(text: object, most: int = 100) -> str:
    """Return `text` in backquotes, on one line, at most `most` characters of it."""
    line = " ".join(str(text).replace("`", "'").split())
    return f"`{line if len(line) <= most else line[: most - 1] + '…'}`"


def listed(names: Iterable[object], most: int = 3) -> str:
    """Return names as ```a`, `b` and `c```, or ```a`, `b` and 7 more``."""
    quoted = [code(n) for n in names]
    if len(quoted) > most:
        quoted = [*quoted[: most - 1], f"{len(quoted) - most + 1} more"]
    return enumerated(quoted)


def enumerated(words: Sequence[str]) -> str:
    """Return words as ``"a, b and c"``."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def module_name(path: str, class_name: str) -> str:
    """Return what to call a module: its path, with the class where that is a number, or the model's class."""
    numbered = path.rpartition(".")[2].isdecimal()
    return f"{code(path)} ({class_name})" if numbered else code(path or class_name)


def member(path: str, root: str = "model") -> str:
    """Return a module's path as it is written in Python: ``"model.layers[0].norm"``."""
    return root + "".join(f"[{part}]" if part.isdecimal() else f".{part}" for part in path.split(".") if part)


def size(nbytes: int) -> str:
    """Return a number of bytes for a person, in powers of ten: ``"97.5 MB"``."""
    if nbytes < 1000:
        return f"{nbytes} bytes"
    units = ["kB", "MB", "GB"]
    scaled = nbytes / 1000
    while scaled >= 999.5 and len(units) > 1:
        scaled /= 1000
        del units[0]
    return f"{scaled:.3g} {units[0]}"


def at_sizes(cases: Sequence[RunCase]) -> str:
    """Return where a comparison failed: ``"at batch 2 and 4"``, ``"on your example"``."""
    asked: dict[str, list[int]] = {}
    for case in cases:
        for name, number in case.sizes.items():
            if number not in asked.setdefault(name, []):
                asked[name].append(number)
    if not asked:
        return _INPUTS.get(cases[0].inputs if cases else "", "on varied inputs")
    return "at " + ", ".join(f"{name} {enumerated([str(size) for size in sorted(n)])}" for name, n in asked.items())


def axis(trial: AxisTrial) -> str:
    """Return where a trial was made: ``"axis 0 of `x` (`batch`)"``."""
    by_index: dict[int, list[str]] = {}
    for path, index in trial.places:
        by_index.setdefault(index, []).append(path)
    axes = " and ".join(f"axis {index} of {listed(paths)}" for index, paths in by_index.items())
    return f"{axes} ({code(trial.name)})" if axes else code(trial.name)


def sentence(text: str, most: int = 400) -> str:
    """Return `text` on one line, at most `most` characters of it, ended by one full stop."""
    line = " ".join(text[: 2 * most].split())
    if len(line) > most or len(text) > 2 * most:
        return f"{line[: most - 1]}…"
    return line if line.endswith((".", "!", "?", "…")) else f"{line}."
