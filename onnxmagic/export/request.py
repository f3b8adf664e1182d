"""What the user asked for, checked before anything runs.

Every mistake that can be seen in the options alone is said here, so that no export runs for ten seconds and then fails
on a missing folder.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from onnxmagic.check import catalogue
from onnxmagic.errors import UsageMistake
from onnxmagic.fix import Fixes
from onnxmagic.target import Target, find_targets

__all__ = ["FailOn", "Request", "check_target", "did_you_mean"]

FailOn = Literal["error", "warning", "never"]
LOWEST_OPSET, HIGHEST_OPSET = 7, 26
"""What torch and onnx have ever written; the exporter decides what it can do between them."""


@dataclass(frozen=True, slots=True)
class Request:
    """The options of one export, valid in themselves.

    ``axes`` maps an argument, as the user wrote it, to the axes asked for: index to name, ``""`` where none was given.
    ``select`` and ``ignore`` hold names and starts of codes that the catalogue knows.
    """

    output: Path | None = None
    opset: int | None = None
    axes: Mapping[str, Mapping[int, str]] | None = None
    auto: bool = True
    input_names: tuple[str, ...] = ()
    output_names: tuple[str, ...] = ()
    train: bool = False
    keep_source: bool = False
    external_data: bool | None = None
    prove: bool = True
    changes: bool = True
    fail_on: FailOn = "never"
    name: str | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fix: Fixes = field(default_factory=Fixes)
    targets: tuple[Target, ...] = ()

    @classmethod
    def make(
        cls,
        *,
        output: str | os.PathLike[str] | None,
        opset: int | None,
        dynamic: Any,
        static: bool,
        input_names: Sequence[str] | None,
        output_names: Sequence[str] | None,
        train: bool,
        keep_source: bool,
        external_data: bool | None,
        prove: bool,
        changes: bool = True,
        fail_on: str,
        name: str | None,
        select: str | Sequence[str] = (),
        ignore: str | Sequence[str] = (),
        fix: bool | str | Sequence[str] = False,
        targets: str | Sequence[str] = (),
    ) -> Request:
        """Return the request.

        Raises
        ------
        UsageMistake
            An option has a wrong value; the message says what to write.
        """
        if fail_on not in ("error", "warning", "never"):
            raise UsageMistake(f"fail_on is {fail_on!r}; it must be 'error', 'warning' or 'never'.")
        return cls(
            output=check_target(output) if output is not None else None,
            opset=_check_opset(opset),
            axes=_check_axes(dynamic),
            auto=not static and dynamic is not None and dynamic is not False,
            input_names=_check_names("input_names", input_names),
            output_names=_check_names("output_names", output_names),
            train=train,
            keep_source=keep_source,
            external_data=external_data,
            prove=prove,
            changes=changes,
            fail_on=fail_on,  # type: ignore[arg-type]  # narrowed above
            name=name,
            select=catalogue.known(select),
            ignore=catalogue.known(ignore),
            fix=Fixes.make(fix),
            targets=find_targets(targets),
        )


def check_target(output: str | os.PathLike[str]) -> Path:
    """Return `output` as a path that can be written to.

    Raises
    ------
    UsageMistake
        It is a folder, its folder is missing, or it may not be written.
    """
    text = os.fspath(output)
    if not text:
        raise UsageMistake("The output file has no name; write for example -o model.onnx.")
    # Real and absolute now: a link is written through, and the model's code may change the working directory.
    path = Path(os.path.realpath(Path(text).expanduser()))
    folder = path.parent
    if path.is_dir() or text.endswith(("/", os.sep)):
        raise UsageMistake(f"{text} is a folder; name a file in it, for example {Path(text) / 'model.onnx'}.")
    if not folder.is_dir():
        raise UsageMistake(f"The folder {folder} does not exist. Make it first: os.makedirs({str(folder)!r}).")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageMistake(f"No permission to write in the folder {folder.absolute()}.")
    if path.exists() and not path.is_file():
        raise UsageMistake(f"{path} is no regular file, so it cannot be replaced; choose another name.")
    if path.exists() and not os.access(path, os.W_OK):
        raise UsageMistake(f"{path} is write-protected; choose another name or make it writable.")
    return path


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """Return `` Did you mean 'x'?`` for the known word nearest to `word`, or nothing."""
    near = get_close_matches(word, known, n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def _check_opset(opset: int | None) -> int | None:
    if opset is None:
        return None
    if isinstance(opset, bool) or not isinstance(opset, int):  # pyright: ignore[reportUnnecessaryIsInstance]  # user input
        raise UsageMistake(f"opset is {opset!r}; it must be a whole number, for example 20.")
    if not LOWEST_OPSET <= opset <= HIGHEST_OPSET:
        raise UsageMistake(f"opset {opset} does not exist here; choose one from {LOWEST_OPSET} to {HIGHEST_OPSET}.")
    return opset


def _check_names(option: str, names: Sequence[str] | None) -> tuple[str, ...]:
    if names is None:
        return ()
    if isinstance(names, str):
        raise UsageMistake(f"{option} is the text {names!r}; it must be a list of names, for example [{names!r}].")
    empty = [n for n in names if not isinstance(n, str) or not n.strip()]  # pyright: ignore[reportUnnecessaryIsInstance]  # user input
    if empty:
        raise UsageMistake(f"{option} holds {empty[0]!r}, which is no name.")
    twice = [n for i, n in enumerate(names) if n in names[:i]]
    if twice:
        raise UsageMistake(f"{option} has {twice[0]!r} twice; names in a graph are unique.")
    return tuple(names)


def _check_axes(dynamic: Any) -> dict[str, dict[int, str]]:
    if dynamic is None or dynamic is False or dynamic == "auto":
        return {}
    if not isinstance(dynamic, Mapping):
        raise UsageMistake(
            f"dynamic is {dynamic!r}; it must be 'auto' or a dict of axes, for example {{'x': {{2: 'height'}}}}."
        )
    return {str(argument): _axes_of(str(argument), axes) for argument, axes in dynamic.items()}


def _axes_of(argument: str, axes: Any) -> dict[int, str]:
    pairs: list[tuple[Any, Any]]
    if isinstance(axes, Mapping):
        pairs = list(axes.items())
    elif isinstance(axes, int):
        pairs = [(axes, "")]
    elif isinstance(axes, Sequence) and not isinstance(axes, str):
        pairs = [(axis, "") for axis in axes]
    else:
        pairs = [(axes, "")]
    for axis, name in pairs:
        if isinstance(axis, bool) or not isinstance(axis, int) or not isinstance(name, str):
            raise UsageMistake(
                f"dynamic[{argument!r}] is {axes!r}; it must be like {{2: 'height'}} or [2]: axis numbers and names."
            )
    return dict(pairs)
