"""What may be written on a magic's line besides the notebook's models: rules, fixes, targets, results and files.

All of it is looked up when the key is pressed, and nothing heavy is imported for it.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from onnxmagic import refusal
from onnxmagic.modules import called_module
from onnxmagic.options import Option
from onnxmagic.parsing import fix_words
from onnxmagic.subject import is_result

__all__ = ["choices", "model_files", "module_paths", "results"]

MOST_FILES = 200
"""A folder of checkpoints can hold thousands, and a menu of them helps nobody; of modules no more are offered."""


def choices(option: Option, start: str) -> Sequence[str]:
    """Return the values of `option` that start with `start`; of rules the codes, and names once a letter is typed."""
    if option.dest in ("explain", "select", "ignore"):
        return _rules(start)
    if option.dest == "fix":
        return [word for word in fix_words() if word.startswith(start) and not (word.startswith("OM") and not start)]
    if option.dest == "target":
        return [name for name in _targets() if name.startswith(start)]
    return [choice for choice in option.choices if choice.startswith(start)]


def results(start: str, namespace: Mapping[str, Any]) -> list[str]:
    """Return the variables that hold an export, or a model in memory, the newest first."""
    names = [name for name in namespace if name.startswith(start) and name[0] != "_"]
    held = [name for name in names if _holds_a_graph(namespace[name])]
    return held[::-1]


def model_files(start: str) -> list[str]:
    """Return the ``.onnx`` files, and the folders to look into, whose path starts with `start`."""
    head, _, tail = start.rpartition("/")
    folder = Path(os.path.expanduser(head or ("/" if start.startswith("/") else ".")))  # noqa: PTH111  # not for `$`
    prefix = f"{head}/" if "/" in start else ""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except (OSError, ValueError):  # not there, no permission; or a name that no file can have
        return []
    found = [entry for entry in entries if entry.name.startswith(tail) and (tail or entry.name[0] != ".")]
    # A name with a blank would need quotes, which the cursor is behind already.
    files = [e.name for e in found if e.name.lower().endswith(".onnx") and " " not in e.name and e.is_file()]
    folders = [f"{e.name}/" for e in found if tail and " " not in e.name and e.is_dir()]
    return [prefix + name for name in [*files, *folders][:MOST_FILES]]


def module_paths(start: str, subject: str, namespace: Mapping[str, Any]) -> list[str]:
    """Return the paths of modules in what `subject` names, a call or a result, a level at a time; no file is read."""
    depth = start.count(".")
    paths = [path for path in _all_paths(subject, namespace) if path.startswith(start) and path.count(".") == depth]
    return list(dict.fromkeys(filter(None, paths)))[:MOST_FILES]


def _all_paths(subject: str, namespace: Mapping[str, Any]) -> Iterable[str]:
    try:
        node = ast.parse(subject, mode="eval").body
    except (SyntaxError, ValueError):
        return ()
    value = refusal.look_up(node.func if isinstance(node, ast.Call) else node, namespace)
    if (model := called_module(value)) is not None:
        return (path for path, _ in model.named_modules())
    if not is_result(value) or (tree := getattr(value.graph, "modules", None)) is None:
        return ()
    return (module.path for module in tree.walk())


def _rules(start: str) -> list[str]:
    from onnxmagic.check.catalogue import rules

    known = [loaded.rule for loaded in rules()]
    codes = [rule.code for rule in known if rule.code.startswith(start.upper())]
    return codes + [rule.name for rule in known if start and rule.name.startswith(start)]


def _targets() -> list[str]:
    from onnxmagic.target.find import target_names

    return list(target_names())


def _holds_a_graph(value: object) -> bool:
    """Return whether `value` is a result, a ModelProto or alike, by its class: no property of the user's is run."""
    return is_result(value) or any(hasattr(type(value), name) for name in ("model_proto", "SerializeToString"))
