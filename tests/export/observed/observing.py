"""Calls recorded by hand, and what is observed of them."""

from __future__ import annotations

from onnxmagic.export.guard import Guard
from onnxmagic.export.observed.observe import observe
from onnxmagic.record.calls import RecordedCall


def call(model, *args, number, kept=True, training=False, autocast="", count=1, **kwargs):
    """A call as the recorder keeps it; one that is not kept has shapes only."""
    if not kept:
        args = tuple(arg.to("meta") for arg in args)
        kwargs = {name: value.to("meta") for name, value in kwargs.items()}
    output = model(*args, **kwargs) if kept else None
    return RecordedCall(number, args, kwargs, output, training, kept, count, autocast=autocast)


def calls_of(model, *arguments):
    """Kept calls; each of `arguments` is a tuple, or a dict of keywords."""
    return [
        call(model, number=n, **given) if isinstance(given, dict) else call(model, *given, number=n)
        for n, given in enumerate(arguments, 1)
    ]


def observed(model, calls, **options):
    with Guard(model) as guard:
        return observe(model, calls, guard, **options)


def shapes(example):
    return {leaf.name: tuple(leaf.value.shape) for leaf in example.tensors}
