"""Where a difference begins, in words, and what to do about it there; for all rules that speak of wrong values."""

from __future__ import annotations

from onnxmagic.check.evidence import Located
from onnxmagic.check.finding import Fix
from onnxmagic.check.mistranslations import mistranslation
from onnxmagic.check.wording import code, sentence

__all__ = ["beginning", "cure"]


def beginning(place: Located, runtime: str) -> str:
    """Return one or two sentences: the first value that differs, and who is to blame."""
    if place.blame == "unknown":
        return f"Where it begins could not be found: {sentence(place.detail)}"
    if place.blame == "capture":
        inside = f" in {code(place.module)}" if place.module else ""
        return (
            f"The file's operators are right, but PyTorch's exporter took another way{inside} than the model takes: "
            "look for an `if` on a size, or on whether the model is being exported."
        )
    if place.blame == "module":
        return (
            f"It begins in {code(place.module or 'the model')}, whose answer the file does not have. Weights that were "
            "trained on since the export look like this: export again."
        )
    if place.blame == "optimiser":
        begins = f" It begins at {_value(place)}." if place.value else ""
        return f"The file is right: without its optimiser {runtime} agrees with PyTorch.{begins}"
    operator = code(place.target.removesuffix(".default"))
    whose = {
        "translation": f"where torch's exporter wrote something else than {operator}",
        "exporter-optimiser": f"where torch's optimiser broke {operator}, which was translated well",
    }[place.blame]
    more = f" {_more(place.others)}" if place.others > 0 else ""
    return f"It begins at {_value(place)}, {whose}.{more}"


def cure(place: Located) -> Fix | None:
    """Return what to write instead, where that is known."""
    if place.blame == "optimiser":
        level = f"onnxruntime.GraphOptimizationLevel.{place.detail}"
        return Fix("code", f"options.graph_optimization_level = {level}")
    if place.blame == "exporter-optimiser":
        return Fix("code", "torch.onnx.export(model, args, path, dynamo=True, optimize=False)")
    found = mistranslation(place.target) if place.blame == "translation" else None
    if found is None:
        return None
    note = f"  # {found.note}" if found.note else ""
    return Fix("code", f"{found.write}{note}")


def _value(place: Located) -> str:
    inside = f" in {code(place.module)}" if place.module else ""
    return f"{code(place.value)} ({code(place.operator)}{inside})" if place.operator else code(place.value)


def _more(count: int) -> str:
    return "One more value differs for a reason of its own." if count == 1 else f"{count} more values differ as well."
