"""From what a person wrote, ``"onnxruntime==1.17, opencv"``, to targets; what cannot be meant is said at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, Final

from onnxmagic.errors import UsageMistake
from onnxmagic.target.facts import documents, target
from onnxmagic.target.target import Target

__all__ = ["find_targets", "target_names"]

_VERSION: Final = re.compile(r"\d+(\.\d+)*")
_OTHER_SIGN: Final = re.compile(r"\s*(>=|<=|~=|!=|>|<|=|@|:)\s*v?(\d[\w.]*)")


def target_names() -> tuple[str, ...]:
    """Return the names that ``find_targets`` knows, without their other spellings."""
    return tuple(documents())


def find_targets(names: str | Sequence[str]) -> tuple[Target, ...]:
    """Return the targets called `names`, each once.

    Parameters
    ----------
    names : str or sequence of str
        ``"onnxruntime==1.17"``, ``"opencv"``, or several with commas between; what ``str(target)`` gives is understood
        too.

    Raises
    ------
    UsageMistake
        There is no such target, or a version that is none; the message says what to write.
    """
    pieces: Sequence[Any] = names.split(",") if isinstance(names, str) else names
    found: dict[tuple[str, str], Target] = {}
    for piece in pieces:
        if not isinstance(piece, str):
            raise UsageMistake(f"targets holds {piece!r}; it must be names, for example ['onnxruntime==1.17'].")
        for single in piece.split(","):
            if single.strip():
                name, version = _parsed(" ".join(single.split()))
                found.setdefault((name, version), target(documents()[name], version))
    return tuple(found.values())


def _parsed(text: str) -> tuple[str, str]:
    """Return the target's name and the version asked for, empty where none was."""
    written, sign, version = text.partition("==")
    other = _OTHER_SIGN.search(text) if not sign else None
    if other:
        raise UsageMistake(
            f"{text!r} is no target; write the oldest version that must work: {text[: other.start()]}=={other[2]}."
        )
    version = version.strip().removeprefix("v")
    if not sign:
        written, version = _apart(written)
    name = _name(written.strip())
    if (sign or version) and not _VERSION.fullmatch(version):
        raise UsageMistake(f"{text!r} has no version that can be compared; write numbers, for example {name}==1.17.")
    return name, version


def _apart(text: str) -> tuple[str, str]:
    """Return ``"ONNX Runtime 1.17"`` as its title and version."""
    title, blank, last = text.rpartition(" ")
    return (title, last) if blank and _VERSION.fullmatch(last) else (text, "")


def _name(written: str) -> str:
    wanted = written.lower().replace("_", "-")
    spellings: dict[str, str] = {}
    for name, document in documents().items():
        spellings.update(dict.fromkeys((name, document["title"].lower(), *document["aliases"]), name))
    if wanted in spellings:
        return spellings[wanted]
    near = list(dict.fromkeys(spellings[word] for word in get_close_matches(wanted, spellings, n=3, cutoff=0.6)))
    hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    raise UsageMistake(f"There is no target {written!r}.{hint} Known: {', '.join(target_names())}.")
