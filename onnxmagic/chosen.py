"""What the line decides, and where it is silent the settings, as the keywords of the verbs."""

from __future__ import annotations

from typing import Any

from onnxmagic.config import OnnxMagic
from onnxmagic.given import CheckOptions, DiffOptions, ExportOptions, ShowOptions
from onnxmagic.present import Manner

__all__ = ["chosen_for_export", "first", "given_of_diff", "manner", "rules_and_targets", "samples"]


def chosen_for_export(options: ExportOptions, settings: OnnxMagic) -> dict[str, Any]:
    """Return the keywords of ``export`` that say how a file is made; ``Request.make`` takes the same."""
    # Who gives data for the proof wants it, whatever holds elsewhere.
    prove = True if options.data is not None else settings.prove
    return {
        "output": options.output,
        "opset": first(options.opset, settings.opset),
        "dynamic": options.dynamic,
        "static": first(options.static, settings.static),
        "input_names": options.input_names,
        "output_names": options.output_names,
        "train": options.train,
        "keep_source": first(options.keep_source, settings.keep_source),
        "external_data": options.external_data,
        "prove": first(options.prove, prove),
        "changes": first(options.changes, settings.changes),
        "fail_on": first(options.fail_on, settings.fail_on),
        **rules_and_targets(options, settings),
    }


def rules_and_targets(options: ExportOptions | CheckOptions, settings: OnnxMagic) -> dict[str, Any]:
    """Return what counts, what is mended and for whom; see ``OnnxMagic`` for how line and settings combine."""
    from onnxmagic.check import catalogue

    standing = () if options.select else catalogue.known(settings.ignore)
    return {
        "select": options.select or (),
        "ignore": tuple(dict.fromkeys([*standing, *options.ignore])),
        "fix": ",".join(options.fix) or False,
        "targets": first(options.targets, settings.targets),
    }


def samples(options: ExportOptions | CheckOptions | DiffOptions, settings: OnnxMagic) -> dict[str, Any]:
    """Return how much of ``--data`` is taken; nothing where there is none."""
    return {"samples": first(options.samples, settings.samples)} if options.data is not None else {}


def given_of_diff(options: DiffOptions) -> dict[str, Any]:
    """Return the keywords of ``diff`` that the line gives; no setting is one of them: a gate of findings is another."""
    given = {
        "pins": options.pins,
        "run": options.run,
        "time": options.time,
        "tolerance": options.tolerance,
        "markdown": options.markdown,
        "fail_on": options.fail_on,
    }
    return {name: value for name, value in given.items() if value is not None}


def manner(
    options: ExportOptions | CheckOptions | ShowOptions | DiffOptions, settings: OnnxMagic, *, quiet: bool
) -> Manner:
    """Return how the result is to appear."""
    quiet = quiet or first(options.quiet, settings.quiet)
    return Manner(quiet, first(options.show, settings.show), options.bind, options.traceback)


def first(given: Any, setting: Any) -> Any:
    """Return what was given on the line, or else the setting."""
    return setting if given is None else given
