"""The forms of ``%onnx_export``, and which options belong to which.

An option that would do nothing is a misunderstanding, and is told before anything runs.
"""

from __future__ import annotations

from typing import Literal

from onnxmagic.errors import UsageMistake
from onnxmagic.given import CheckOptions, DiffOptions, ExportOptions

__all__ = ["Form", "refuse_alone", "refuse_idle", "refuse_misplaced"]

Form = Literal["call", "model", "cell", "watched"]
"""``%onnx_export CALL``, ``%onnx_export MODEL``, ``%%onnx_export`` with the call last, ``%%onnx_export MODEL``."""


def refuse_misplaced(options: ExportOptions, form: Form) -> None:
    """Say which option does not belong to this form of the line.

    Raises
    ------
    UsageMistake
        There is one.
    """
    refuse_alone(options)
    for flag, given in (("--keep", options.keep), ("--budget", options.budget)):
        if given is not None and form != "watched":
            raise UsageMistake(
                f"{flag} says how much of recorded calls is kept, and only %%onnx_export MODEL records: name the model "
                "in the first line of a cell that calls it."
            )
    if options.like is not None and form == "watched":
        raise UsageMistake("--like gives the inputs, and so do the cell's calls: leave --like out.")
    if options.like is not None and form != "model":
        raise UsageMistake(
            f"--like gives the inputs, and the call has its own: write %onnx_export model --like {options.like}, or "
            "the call alone."
        )
    if options.data is not None and options.prove is False:
        raise UsageMistake("--data is for the proof, which --no-prove leaves out: leave one of them out.")


def refuse_alone(options: ExportOptions | CheckOptions | DiffOptions) -> None:
    """Say which option means nothing without ``--data``.

    Raises
    ------
    UsageMistake
        There is one.
    """
    for flag, given, what in (
        ("--samples", options.samples, "how much of --data is taken"),
        ("--executor", getattr(options, "executor", None), "who runs --data"),
    ):
        if given is not None and options.data is None:
            raise UsageMistake(f"{flag} says {what}, and there is none: add for example --data val_loader.")


def refuse_idle(options: DiffOptions) -> None:
    """Say which option of a diff means nothing where the models are not run.

    Raises
    ------
    UsageMistake
        There is one.
    """
    refuse_alone(options)
    if options.run:
        return
    for flag, given in (
        ("--data", options.data is not None),
        ("--time", options.time),
        ("--tolerance", options.tolerance is not None),
        ("--fail-on outputs", options.fail_on == "outputs"),
    ):
        if given:
            raise UsageMistake(f"{flag} means running both models, and --no-run forbids it: leave one of them out.")
