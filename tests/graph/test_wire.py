"""The walk over the wire format: what it keeps, what it leaves, and that nothing makes it crash or hang."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

import onnx
import onnx.helper
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_graphs import BRANCH, SMALL, model, scoped, with_weight

from onnxmagic.graph import wire
from onnxmagic.graph.read import NotAModel, read, skeleton
from onnxmagic.graph.tensors import left_out


def test_a_small_model_is_kept_as_it_is() -> None:
    assert skeleton(model().SerializeToString()) == model()


@pytest.mark.parametrize("how", [bytes, bytearray, memoryview])
def test_long_values_are_left_out_and_all_else_is_kept(how: type) -> None:
    got = skeleton(how(with_weight(model(), "big", [500, 2]).SerializeToString()))
    big = got.graph.initializer.pop()
    assert (big.name, list(big.dims), big.raw_data, left_out(big)) == ("big", [500, 2], b"", 4000)
    assert got == model()


@pytest.mark.parametrize("field", ["float_data", "int32_data", "int64_data", "double_data", "uint64_data"])
def test_values_in_every_field_are_left_out(field: str) -> None:
    proto = model()
    getattr(proto.graph.initializer.add(name="w", data_type=1, dims=[2000]), field).extend([1] * 2000)
    assert skeleton(proto.SerializeToString()).ByteSize() < 1000


def test_values_of_constants_in_the_body_of_a_branch_are_left_out() -> None:
    proto = model(BRANCH)
    big = onnx.helper.make_tensor("c", onnx.TensorProto.FLOAT, [5000], [1.0] * 5000)
    proto.graph.node[0].attribute[0].g.node.append(onnx.helper.make_node("Constant", [], ["c"], value=big))
    assert skeleton(proto.SerializeToString()).ByteSize() < 1000
    assert read(proto.SerializeToString()).nodes[0].body[0].nodes[1].attributes == {"value": "float32 tensor, 5000"}


def test_the_tables_are_those_of_onnx() -> None:
    for kind, children in wire.CHILDREN.items():
        fields = {f.number: f.message_type for f in getattr(onnx, kind).DESCRIPTOR.fields}
        assert {n: fields[n].name for n in children} == dict(children)
    values = [f.number for f in onnx.TensorProto.DESCRIPTOR.fields if f.name.endswith("_data") and f.number != 13]
    assert set(values) == wire.TENSOR_VALUES  # 13 is external_data, the name of the other file


def test_a_large_file_is_read_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.onnx"
    _sparse_model(path, 200 * 2**20)
    program = (
        "import resource, sys; from onnxmagic.graph.read import read; import onnx\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; graph = read(sys.argv[1])\n"
        "print(graph.nbytes, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True)
    nbytes, grown = map(int, done.stdout.split())
    assert nbytes == 200 * 2**20 + 40
    assert grown * (1 if sys.platform == "darwin" else 1024) < 20 * 2**20


def _sparse_model(path: Path, size: int) -> None:
    """Write SMALL with one more weight of `size` bytes that the file system does not store."""
    weight = onnx.TensorProto(name="big", data_type=onnx.TensorProto.FLOAT, dims=[size // 4]).SerializeToString()
    raw = b"\x4a" + wire.varint(size)
    tensor = b"\x2a" + wire.varint(len(weight) + len(raw) + size) + weight + raw
    proto = model()
    graph = proto.graph.SerializeToString()
    proto.ClearField("graph")
    head = proto.SerializeToString() + b"\x3a" + wire.varint(len(graph) + len(tensor) + size) + graph + tensor
    with path.open("wb") as file:
        file.write(head)
        file.truncate(len(head) + size)


def _whole() -> bytes:
    proto = with_weight(scoped(model(SMALL), linear=("fc", "linear.Linear")), "big", [600])
    proto.graph.node.extend(model(BRANCH).graph.node)
    return proto.SerializeToString()


WHOLE = _whole()


@pytest.mark.parametrize("length", range(0, len(WHOLE), 97))
def test_a_file_that_is_cut_off_is_refused_or_read(length: int) -> None:
    with contextlib.suppress(NotAModel):
        read(WHOLE[:length])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_a_damaged_file_is_refused_or_read(changes: list[tuple[int, int]]) -> None:
    data = bytearray(WHOLE)
    for at, byte in changes:
        data[at] = byte
    with contextlib.suppress(NotAModel):
        read(bytes(data))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=3000))
def test_noise_is_refused_or_read(data: bytes) -> None:
    with contextlib.suppress(NotAModel):
        read(data)


def test_graphs_nested_without_end() -> None:
    data = b"\0" * 2000
    for number in (6, 5, 1) * 60:
        data = wire.varint(number << 3 | 2) + wire.varint(len(data)) + data
    with pytest.raises(NotAModel, match="nested"):
        read(b"\x3a" + wire.varint(len(data)) + data)


def test_parts_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_PARTS", 1000)
    nodes = b"\x0a\x00" * 2000
    with pytest.raises(NotAModel, match="more than 1,000 parts"):
        read(b"\x3a" + wire.varint(len(nodes)) + nodes)


def test_a_graph_too_large_without_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_SKELETON", 2**20)
    proto = model()
    proto.doc_string = "a" * 2**21
    with pytest.raises(NotAModel, match="1 MB even without"):
        read(proto.SerializeToString())


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\x08" + b"\xff" * 2000, "does not end"),
        (b"\x3a\xff\x7f" + b"\0" * 2000, "longer than what holds it"),
        (b"\x3b" * 2000, "protobuf"),
        (b"\x02" * 2000, "protobuf"),
        (b"\x0d" + b"\0" * 1500, "longer than|protobuf"),
    ],
)
def test_damage_is_named(data: bytes, said: str) -> None:
    with pytest.raises(NotAModel, match=said):
        read(data)
