"""Small real models, damaged at random: a check, or a sentence, and nothing else, in bounded time.

The reader, the facts, the sidecars, every static rule and all three views work on thousands of damaged files in this
process; ONNX's checker and the runtime get some of them, in theirs.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest
from file_models import doubling, graph, with_weights
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import onnxmagic
from onnxmagic.errors import OnnxMagicError
from onnxmagic.examine.result import Check

LINEAR = """
(float[n,4] x) => (float[n,2] y) <float[4,2] w = {1,2,3,4,5,6,7,8}, float[2] b> { h = MatMul(x, w) y = Add(h, b) }
"""
CONVOLUTION = """
(float[n,3,8,8] x) => (float[n,k] y) <float[2,3,3,3] w>
{ c = Conv(x, w) r = Relu(c) p = GlobalAveragePool(r) y = Flatten(p) }
"""
BRANCH = """
(bool c, float[4] x) => (float[4] y)
{ y = If(c) <then_branch = a () => (float[4] p) { p = Neg(x) }, else_branch = b () => (float[4] q) { q = Abs(x) }> }
"""
RANDOM = """
(float[n,4] x) => (float[n,4] y)
{ t = Constant<value_ints=[1]>() r = Dropout(x) s = RandomNormalLike(r) y = Add(r, s) }
"""
SECONDS = 5.0
"""For one file; what takes longer hangs."""


@functools.cache
def models() -> tuple[bytes, ...]:
    whole = [graph(body) for body in (LINEAR, CONVOLUTION, BRANCH, RANDOM)] + [doubling(4)]
    for model in whole:
        for tensor in model.graph.initializer:
            if not tensor.float_data:
                tensor.raw_data = bytes(4 * max(1, _count(tensor)))
    return tuple(model.SerializeToString() for model in whole)


def _count(tensor: onnx.TensorProto) -> int:
    count = 1
    for dim in tensor.dims:
        count *= dim
    return count


@st.composite
def damaged_bytes(draw: st.DrawFn) -> bytes:
    """Bytes changed, taken out, put in twice, cut off."""
    data = bytearray(draw(st.sampled_from(models())))
    for _ in range(draw(st.integers(1, 8))):
        place, length = draw(st.integers(0, len(data))), draw(st.integers(0, 30))
        kind = draw(st.sampled_from(["set", "drop", "repeat", "cut"]))
        if kind == "set":
            data[place : place + length] = draw(st.binary(max_size=30))
        elif kind == "drop":
            del data[place : place + length]
        elif kind == "repeat":
            data[place:place] = data[place : place + length] * draw(st.integers(1, 50))
        else:
            del data[max(1, place) :]
    return bytes(data)


@st.composite
def damaged_structure(draw: st.DrawFn) -> bytes:
    """A valid message that says nonsense: fields left out, doubled, or with another value."""
    model = onnx.ModelProto.FromString(draw(st.sampled_from(models())))
    for _ in range(draw(st.integers(1, 6))):
        _damage(draw, draw(st.sampled_from(list(_messages(model)))))
    return model.SerializePartialToString()


def _messages(message: Message) -> Iterator[Message]:
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for child in value if field.is_repeated else (value,):
                yield from _messages(child)


def _damage(draw: st.DrawFn, message: Message) -> None:
    field = draw(st.sampled_from(list(message.DESCRIPTOR.fields)))
    if draw(st.booleans()) or field.message_type is not None:
        if field.is_repeated and draw(st.booleans()):
            getattr(message, field.name).extend(list(getattr(message, field.name))[: draw(st.integers(1, 3))])
        else:
            message.ClearField(field.name)
        return
    value = draw(VALUES[field.cpp_type])
    if field.cpp_type == field.CPPTYPE_STRING and field.type == field.TYPE_BYTES:
        value = value.encode()
    if field.is_repeated:
        getattr(message, field.name).append(value)
    else:
        setattr(message, field.name, value)


_F = onnx.ModelProto.DESCRIPTOR.fields[0]
_INTS = st.sampled_from([0, 1, 2, 7, 16, 99, -1, 2**31 - 1, -(2**31)])
_LARGE = st.sampled_from([0, 1, -1, 3, 10**6, 2**40, 2**63 - 1, -(2**63)])
_TEXTS = st.sampled_from(["", "x", "y", "w", "../x", "/etc/passwd", "ai.onnx", "Relu", "\u202e<b>", "n" * 3000])
VALUES = {
    _F.CPPTYPE_INT32: _INTS,
    _F.CPPTYPE_ENUM: st.sampled_from([0, 1]),
    _F.CPPTYPE_INT64: _LARGE,
    _F.CPPTYPE_UINT64: st.sampled_from([0, 1, 2**64 - 1]),
    _F.CPPTYPE_FLOAT: st.floats(width=32),
    _F.CPPTYPE_DOUBLE: st.floats(),
    _F.CPPTYPE_STRING: _TEXTS,
    _F.CPPTYPE_BOOL: st.booleans(),
}


def survives(path: Path, data: bytes, *, run: bool = False) -> Check | None:
    """Check and show the file with this content; None when it was refused in a sentence."""
    path.write_bytes(data)
    start = time.perf_counter()
    try:
        check = onnxmagic.check(path, run=run)
    except OnnxMagicError:
        return None
    finally:
        assert time.perf_counter() - start < SECONDS
    assert all(finding.message and len(finding.message) < 3000 for finding in check.findings)
    check.to_dict()
    str(check)
    return check


FUZZ = settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def without_checker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave ONNX's checker out, whose process is tested below: thousands of starts would take minutes."""
    monkeypatch.setattr("onnxmagic.examine.file.structure", lambda apart, path: ("", ()))


@FUZZ
@given(data=damaged_bytes())
def test_damaged_bytes(data: bytes, tmp_path: Path, without_checker: None) -> None:
    survives(tmp_path / "net.onnx", data)


@FUZZ
@given(data=damaged_structure())
def test_damaged_structures(data: bytes, tmp_path: Path, without_checker: None) -> None:
    survives(tmp_path / "net.onnx", data)


@settings(FUZZ, max_examples=8)
@given(data=damaged_structure())
def test_damaged_structures_that_run(data: bytes, tmp_path: Path) -> None:
    survives(tmp_path / "net.onnx", data, run=True)


@settings(FUZZ, max_examples=60)
@given(
    location=st.text(max_size=40), offset=st.text(max_size=5), length=st.sampled_from(["", "-1", "9" * 30, "64", "x"])
)
def test_places_of_weights(location: str, offset: str, length: str, tmp_path: Path, without_checker: None) -> None:
    path = with_weights(tmp_path / "net.onnx", "w.data")
    model = onnx.load(str(path), load_external_data=False)
    entries = model.graph.initializer[0].external_data
    del entries[:]
    for key, value in (("location", location), ("offset", offset), ("length", length)):
        entries.add(key=key, value=value)
    survives(path, model.SerializeToString())


def test_the_models_are_sound_before(tmp_path: Path) -> None:
    for data in models():
        check = survives(tmp_path / "net.onnx", data, run=True)
        assert check is not None
        assert check.graph is not None
