"""What a program that calls the model notices, and whether it breaks."""

from __future__ import annotations

import pytest
from onnx import parser

from onnxmagic.diff.between import between
from onnxmagic.diff.reading import side_of
from onnxmagic.diff.result import SignatureDiff

BODY = "{ [one] h = Relu (x) [two] s = Add (h, z) [three] y = Exp (s) [four] v = Neg (s) }"
BASE = "net (float[batch,4] x, float[batch,4] z) => (float[batch,4] y, float[batch,4] v)"


def signature(before: str, after: str, bodies: tuple[str, str] = (BODY, BODY), opsets=('"" : 20', '"" : 20')):
    sides = []
    for head, body, opset in zip((before, after), bodies, opsets, strict=True):
        text = f"<ir_version: 10, opset_import: [{opset}]> {head} {body}"
        sides.append(side_of(parser.parse_model(text).SerializeToString(), "model"))
    return between(*sides).signature


def told(found: SignatureDiff) -> list[tuple[str, str, str, bool]]:
    assert all(change.why for change in found.changes)
    assert {*found.breaking, *found.compatible} == {*found.changes}
    return [(c.what, c.before, c.after, c.breaking) for c in found.changes]


def changed(old: str, new: str, body: str = BODY) -> list[tuple[str, str, str, bool]]:
    return told(signature(BASE, BASE.replace(old, new, 1), (BODY, body)))


def test_the_same():
    assert changed("x", "x") == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("float[batch,4] x", "double[batch,4] x", [("type of input `x`", "float32", "float64", True)]),
        ("float[batch,4] x", "float[1,4] x", [("axis 0 of input `x`", "batch", "1", True)]),
        ("float[batch,4] x", "float[n,4] x", [("axis 0 of input `x`", "batch", "n", False)]),
        ("float[batch,4] x", "float[batch,5] x", [("axis 1 of input `x`", "4", "5", True)]),
        ("float[batch,4] x", "float[batch,m] x", [("axis 1 of input `x`", "4", "m", False)]),
        ("float[batch,4] x", "float[batch,4,1] x", [("shape of input `x`", "[batch, 4]", "[batch, 4, 1]", True)]),
        ("float[batch,4] y", "float[batch,5] y", [("axis 1 of output `y`", "4", "5", True)]),
        ("float[batch,4] y", "float[1,4] y", [("axis 0 of output `y`", "batch", "1", False)]),
        (", float[batch,4] v)", ")", [("output `v`", "float32 [batch, 4]", "", True)]),
    ],
)
def test_types_and_shapes(old, new, expected):
    assert changed(old, new) == expected


def test_reversed_a_frozen_axis_is_one_that_was_set_free():
    frozen = BASE.replace("float[batch,4] x", "float[1,4] x")
    assert told(signature(frozen, BASE)) == [("axis 0 of input `x`", "1", "batch", False)]


def test_an_input_was_renamed():
    renamed = BODY.replace("(x)", "(pixels)")
    assert changed("float[batch,4] x", "float[batch,4] pixels", renamed) == [("name of input `x`", "x", "pixels", True)]


def test_an_output_was_renamed():
    renamed = BODY.replace("[three] y", "[three] logits")
    assert changed("float[batch,4] y", "float[batch,4] logits", renamed) == [
        ("name of output `y`", "y", "logits", True)
    ]


def test_an_input_was_added_or_removed():
    more = BASE.replace("z)", "z, float[batch,4] mask)", 1)
    body = BODY.replace("Exp (s)", "Mul (s, mask)")
    assert told(signature(BASE, more, (BODY, body))) == [("input `mask`", "", "float32 [batch, 4]", True)]
    assert told(signature(more, BASE, (body, BODY))) == [("input `mask`", "float32 [batch, 4]", "", True)]


def test_an_output_behind_the_others_is_compatible():
    more = BASE.replace("v)", "v, float[batch,4] h)")
    assert told(signature(BASE, more)) == [("output `h`", "", "float32 [batch, 4]", False)]


def test_an_output_before_the_others_moves_them():
    more = BASE.replace("(float[batch,4] y", "(float[batch,4] h, float[batch,4] y")
    assert told(signature(BASE, more)) == [
        ("output `h`", "", "float32 [batch, 4]", False),
        ("order of outputs", "y, v", "h, y, v", True),
    ]


def test_inputs_in_another_order():
    turned = BASE.replace("float[batch,4] x, float[batch,4] z", "float[batch,4] z, float[batch,4] x")
    assert told(signature(BASE, turned)) == [("order of inputs", "x, z", "z, x", True)]


def test_two_axes_that_must_be_of_one_size_now():
    free = BASE.replace("float[batch,4] z", "float[other,4] z")
    found = told(signature(free, BASE))
    assert ("sizes of axis 0 of `x`, axis 0 of `z`", "free of each other", "all batch", True) in found
    assert not any(breaking for *_, breaking in told(signature(BASE, free)))


def test_opset_and_ir_version_are_compatible_and_say_why():
    found = signature(BASE, BASE, opsets=('"" : 18', '"" : 20'))
    assert told(found) == [("opset", "18", "20", False)]
    assert found.changes[0].why == "the file needs a runtime that reads opset 20"
    back = signature(BASE, BASE, opsets=('"" : 20', '"" : 18'))
    assert back.changes[0].why == "the file also loads where the runtime only reads opset 18"


def test_an_operator_set_that_is_used_is_breaking_and_one_that_is_only_named_is_not():
    body = BODY.replace("Neg (s)", "com.microsoft.QuickGelu (s)")
    new = ('"" : 20', '"" : 20, "com.microsoft" : 1')
    assert told(signature(BASE, BASE, (BODY, body), new)) == [("operator set `com.microsoft`", "", "1", True)]
    assert told(signature(BASE, BASE, (body, BODY), new[::-1])) == [("operator set `com.microsoft`", "1", "", False)]
    assert told(signature(BASE, BASE, opsets=new)) == [
        ("operator sets that are only named", "", "com.microsoft 1", False)
    ]
