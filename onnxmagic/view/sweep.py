"""The section that shows what the user's data gave: how many samples agree, how the errors lie, and the worst of them.

Its words claim what was compared and no more: "almost all" is never written 100 %, and a run that ended early says so
before it says anything else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite

from onnxmagic.export.sweep.result import Bin, Sample, Sweep
from onnxmagic.view import words
from onnxmagic.view.parts import Bar, Bars, Line, Part, Section, Sentence, Sign, Span, line

__all__ = ["sweep"]

INPUTS = 4
"""Inputs of the worst sample that are named: a decoder with a cache has dozens."""


def sweep(found: Sweep | None, holder: str) -> Section:
    """Return what `found` tells; `holder` is the Python expression that has the worst sample."""
    if found is None:
        return Section("your data")
    if not found.samples:
        return Section("your data", parts=tuple(_parts(found, holder)))
    batches = words.whole(found.batches, "batch")
    title = line(f"{batches} against your PyTorch model, run by {found.workers} in {words.seconds(found.seconds)}")
    return Section("your data", title, tuple(_parts(found, holder)))


def _parts(found: Sweep, holder: str) -> Iterator[Part]:
    if not found.samples:
        yield Sentence((Span("Nothing of it was compared: "), *words.spans(_why(found))), "warn")
    else:
        if found.stopped and found.stopped != "interrupted":
            yield Sentence((Span("Stopped before its end: "), *words.spans(words.stop(found.stopped))), "warn")
        yield Sentence(line(f"{_which(found)}: {_result(found)}."), _sign(found))
        yield from _distribution(found)
        if found.worst is not None and found.worst.max_abs != 0:
            yield Sentence(_worst(found.worst, holder))
    if found.left_out:
        yield Sentence(words.dim(_left_out(found.left_out)))


def _sign(found: Sweep) -> Sign:
    if found.wrong:
        return "bad"
    return "warn" if found.stopped else "ok"


def _why(found: Sweep) -> str:
    if found.stopped == "interrupted":
        return "it was interrupted before the first sample."
    return words.stop(found.stopped or "there were no samples")


def _result(found: Sweep) -> str:
    """Return whether the samples agree and how far they are off."""
    these = " of these" if found.stopped else ""
    agree = "it agrees" if found.samples == 1 else f"all{these} agree"
    if found.wrong:
        share = words.percent(found.wrong / found.samples)
        agree = f"{found.wrong:,}{these} differ{'s' if found.wrong == 1 else ''} from PyTorch ({share})"
    told = [agree, _errors(found)]
    if found.agreement is not None:
        told.append(f"top class the same for {words.percent(found.agreement)}")
    return "; ".join(told)


def _which(found: Sweep) -> str:
    """Return which samples it speaks of; a run that was interrupted opens with that."""
    done = words.whole(found.samples, "sample")
    if found.stopped:
        if found.asked:
            done = f"{found.samples:,} of {words.whole(found.asked, 'sample')}"
        return f"{'Interrupted after ' if found.stopped == 'interrupted' else ''}{done} of your data"
    if found.asked is None:
        return f"{done} of your data, all there were"
    if found.samples < found.asked:
        return f"{done} of your data, all there were ({found.asked:,} were asked for)"
    return f"The first {done} of your data" if found.samples > 1 else "The first sample of your data"


def _errors(found: Sweep) -> str:
    allowed = f", allowed {words.difference(found.tolerance)}" if found.tolerance and found.wrong else ""
    if found.max_abs == 0 and not found.wrong:
        return "no difference at all"
    told = [f"largest error {words.difference(found.max_abs)}{allowed}"]
    # A bound that is no lower than the largest error says nothing, and "below" would be wrong of it.
    bounds = [(name, bound) for name, bound in (("median", found.median), ("99 %", found.p99)) if bound < found.max_abs]
    # It is the upper end of a bin, but exactly 0 has a bin of its own.
    return ", ".join([*told, *(f"{name} below {_edge(bound)}" if bound else f"{name} 0" for name, bound in bounds)])


def _edge(value: float) -> str:
    """Return the edge of a bin in short: ``1e-07``, ``3.2e-07``."""
    return f"{value:.1e}".replace(".0e", "e") if value else "0"


def _distribution(found: Sweep) -> Iterator[Part]:
    if len(found.errors) > 1:
        most = max(1, *(each.count for each in found.errors))
        bars = tuple(_bar(each, found, most) for each in _joined(found.errors))
        yield Bars((Span("largest error of a sample"), Span("samples")), bars)


def _joined(bins: Sequence[Bin]) -> list[Bin]:
    """Return `bins` with neighbours that are empty as one: an outlier far away must not make a page of nothing."""
    several: list[Bin] = []
    for each in bins:
        if several and not each.count and not several[-1].count:
            several[-1] = Bin(several[-1].low, each.high, 0)
        else:
            several.append(each)
    return several


def _bar(each: Bin, found: Sweep, most: int) -> Bar:
    beyond = bool(found.wrong and found.tolerance and each.count and each.low >= found.tolerance)
    return Bar(Span(_range(each)), each.count / most, Span(f"{each.count:,}"), "bad" if beyond else None)


def _range(each: Bin) -> str:
    if each.high == 0 or each.low == each.high == 0:
        return "0"
    if not isfinite(each.low):
        return "not finite"
    return f"{_edge(each.low)} to {_edge(each.high)}" if isfinite(each.high) else f"{_edge(each.low)} and more"


def _worst(sample: Sample, holder: str) -> Line:
    error = words.difference(sample.max_abs)
    opening = line(f"Worst: sample {sample.index:,}, in batch {sample.batch:,} (both counted from 0), error {error}; ")
    inputs: list[Span] = []
    named = list(sample.inputs.items())[:INPUTS]
    more = len(sample.inputs) - len(named)
    for place, (name, value) in enumerate(named, 1):
        shape = f" {words.shape(getattr(value, 'shape', None))}".rstrip()
        end = ", " if place < len(named) else f" and {words.whole(more, 'more input')}; " if more else "; "
        # One span with its comma: lines are broken between spans too.
        inputs += [Span(name, "code"), Span(shape + end)]
    return (*opening, *inputs, Span(holder, "code"), Span(" holds it."))


def _left_out(what: str) -> Line:
    """Return a sentence of what whoever bound the batches says: a clause of its own, or the names alone."""
    if " left out" in what:
        return words.spans(words.stop(what[0].upper() + what[1:]))
    return (Span("Left out of every batch: "), *words.spans(words.stop(what)))
