"""What is not known of a target, in sentences: a check that found nothing must not look like a clean bill."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from onnxmagic.target.target import OperatorFact, Target

__all__ = ["unknown_facts"]

_MOST_NAMES: Final = 5


def unknown_facts(targets: Sequence[Target], operators: Iterable[str] = ()) -> tuple[str, ...]:
    """Return what could not be judged for `targets`, a sentence each.

    Parameters
    ----------
    targets : sequence of Target
    operators : iterable of str
        The operators of the file: ``"Conv"``, ``"com.microsoft::Gelu"``.
    """
    used = tuple(dict.fromkeys(operators))
    return (*_not_run(targets), *(sentence for target in targets for sentence in _of(target, used)))


def _not_run(targets: Sequence[Target]) -> tuple[str, ...]:
    """Say that the file did not run there; ONNX Runtime, where it does, is a target of its own by its version."""
    others = [str(target) for target in targets if target.name != "onnxruntime" or target.asked]
    if not others:
        return ()
    them = "it" if len(others) == 1 else "them"
    return (f"The file was not run in {_and(others, ' or ')}: what is said of {them} was learnt before, without it.",)


def _of(target: Target, used: Sequence[str]) -> list[str]:
    sentences = [sentence for sentence in (target.said, target.note) if sentence]
    missing = [] if target.said and target.highest_opset is None else _missing_versions(target)
    if target.dynamic_shapes == "unknown":
        missing.append("how it takes dynamic shapes")
    if target.int64_io == "unknown":
        missing.append("how it takes int64 inputs and outputs")
    if not target.operators:
        missing.append("which operators it has")
    if missing:
        sentences.append(f"Not known here of {target}: {_and(missing)}.")
    return sentences + _operators(target, used)


def _missing_versions(target: Target) -> list[str]:
    opset, ir = target.highest_opset is None, target.highest_ir is None
    if opset and ir:
        return ["which opset and IR version it reads"]
    return ["which opset it reads"] if opset else ["which IR version it reads"] if ir else []


def _operators(target: Target, used: Sequence[str]) -> list[str]:
    if not target.operators:
        return []
    sentences: list[str] = []
    whole = {name: _whole(target, name) for name in used}
    unknown = [name for name, fact in whole.items() if fact is None and target.list_fact is None]
    if unknown:
        sentences.append(f"Not known here whether {target} runs {_names(unknown)}.")
    limited: dict[str, list[str]] = {}
    for name, fact in whole.items():
        if fact is not None and fact.support == "partly":
            limited.setdefault(str(fact.fact), []).append(name)
    for source, names in limited.items():
        sentences.append(f"{target} takes {_names(names)} with limits that were not looked at ({source}).")
    return sentences


def _whole(target: Target, name: str) -> OperatorFact | None:
    return next((fact for fact in target.operators.get(name, ()) if fact.whole), None)


def _names(names: Sequence[str]) -> str:
    """Return names of operators, which come from a file, in backquotes and cut."""
    quoted = [f"`{' '.join(name.replace('`', chr(39)).split())[:60]}`" for name in names]
    if len(quoted) > _MOST_NAMES:
        quoted = [*quoted[: _MOST_NAMES - 1], f"{len(quoted) - _MOST_NAMES + 1} more"]
    return _and(quoted)


def _and(words: Sequence[str], last: str = " and ") -> str:
    return last.join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
