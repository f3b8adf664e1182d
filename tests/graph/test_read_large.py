"""Large, damaged and absurd files: read in little time and memory, or refused in a sentence."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import onnx
import onnx.helper
import pytest
from outlines import sound
from small_graphs import BRANCH, model, scoped, with_weight

import onnxmagic.graph
from onnxmagic.graph import NotAModel, wire
from onnxmagic.graph.cost import costs
from onnxmagic.graph.outline import outline
from onnxmagic.graph.read import read, skeleton

GB = 2**30
MEASURED = """
import resource, sys, time
from onnxmagic.graph import read
import onnx

def grown():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

before, times = grown(), []
for _ in range(3):
    start = time.process_time()
    graph = read(sys.argv[1])
    times.append(time.process_time() - start)
print(graph.nbytes, len(graph.nodes), min(times), grown() - before)
"""


def large(path: Path, weights: int, size: int, *, stored: int = 0) -> Path:
    """Write a model of `weights` products with a weight of `size` bytes each, `stored` bytes of them not sparse."""
    nodes = [onnx.helper.make_node("MatMul", [f"v{i}", f"w{i}"], [f"v{i + 1}"], name=f"n{i}") for i in range(weights)]
    value = onnx.helper.make_tensor_value_info
    ends = [value("v0", 1, ["n", 4])], [value(f"v{weights}", 1, ["n", 4])]
    inner = [value(f"v{i + 1}", 1, ["n", size // 16]) for i in range(weights)]
    graph = onnx.helper.make_graph(nodes, "g", *ends, value_info=inner).SerializeToString()
    tensors: list[bytes] = []
    for i in range(weights):
        about = onnx.TensorProto(name=f"w{i}", data_type=1, dims=[4, size // 16]).SerializeToString()
        about += b"\x4a" + wire.varint(size)
        tensors.append(b"\x2a" + wire.varint(len(about) + size) + about)
    length = len(graph) + sum(len(tensor) + size for tensor in tensors)
    rest = onnx.ModelProto(ir_version=10, opset_import=[onnx.helper.make_opsetid("", 20)]).SerializeToString()
    with path.open("wb") as file:
        file.write(rest + b"\x3a" + wire.varint(length) + graph)
        for tensor in tensors:
            file.write(tensor + os.urandom(stored))
            file.seek(size - stored, os.SEEK_CUR)
        file.truncate(file.tell())
    return path


@pytest.mark.parametrize("weights", [1, 600])
def test_a_gigabyte_of_weights_costs_neither_time_nor_memory(tmp_path: Path, weights: int) -> None:
    size = GB // weights // 16 * 16
    path = large(tmp_path / "large.onnx", weights, size, stored=min(size, 32 * 1024))
    done = subprocess.run([sys.executable, "-c", MEASURED, path], capture_output=True, text=True, check=True)
    nbytes, nodes, seconds, grown = map(float, done.stdout.split())
    assert (nbytes, nodes) == (size * weights, weights)
    assert grown < 50 * 2**20
    assert seconds < 0.1


def test_every_weight_is_where_it_was(tmp_path: Path) -> None:
    path = large(tmp_path / "many.onnx", 40, 48_000, stored=48_000)
    assert read(path) == read(path.read_bytes())
    onnx.load(path).graph.initializer  # noqa: B018 protobuf itself reads the same file
    assert skeleton(path).SerializeToString() == skeleton(path.read_bytes()).SerializeToString()


@pytest.mark.parametrize("around", range(16 * 1024 - 60, 16 * 1024 + 60, 7))
def test_fields_across_the_edge_of_what_is_read_at_once(tmp_path: Path, around: int) -> None:
    proto = scoped(model(), linear=("fc", "linear.Linear"))
    proto.graph.doc_string = "d" * around
    proto.graph.node.extend(model(BRANCH).graph.node)
    with_weight(proto, "big", [600])
    (tmp_path / "m.onnx").write_bytes(proto.SerializeToString())
    assert read(tmp_path / "m.onnx") == read(proto.SerializeToString())


def test_a_file_that_is_cut_while_it_is_read(tmp_path: Path) -> None:
    path = large(tmp_path / "cut.onnx", 3, 48_000, stored=10)
    with path.open("rb") as file:
        data = onnxmagic.graph.window.FileBytes(file.fileno())
        os.truncate(path, 300)
        with pytest.raises(NotAModel, match="cut off or damaged"):
            wire.without_values(data)


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9, 0.999])
def test_a_large_file_that_was_cut_off(tmp_path: Path, keep: float) -> None:
    path = large(tmp_path / "cut.onnx", 3, 48_000, stored=10)
    os.truncate(path, int(path.stat().st_size * keep))
    with pytest.raises(NotAModel, match=r"^`cut.onnx` is no ONNX model: it is cut off or damaged"):
        read(path)


def test_damage_anywhere_is_a_sentence_or_a_graph() -> None:
    proto = scoped(model(), linear=("fc", "linear.Linear"))
    proto.graph.node.extend(model(BRANCH).graph.node)
    whole = bytearray(proto.SerializeToString())
    rng = random.Random(5)
    refused: list[str] = []
    for _ in range(2000):
        damaged = bytearray(whole)
        for _ in range(rng.randrange(1, 4)):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        try:
            graph = read(bytes(damaged))
        except NotAModel as error:
            refused.append(str(error))
            continue
        found = sound(outline(graph))
        assert len(costs(found, graph)) == len(found.nodes)
    assert 0 < len(refused) < 2000
    assert all(said.startswith("these bytes are no ONNX model: ") for said in refused)


def test_names_of_ten_megabytes() -> None:
    long = "n" * 10_000_000
    proto = scoped(model(), linear=(".".join(["m" * 100_000] * 100), "linear.Linear"))
    proto.graph.node[1].name = "/" + "/".join(["p" * 1000] * 10_000)
    proto.graph.node[1].op_type = long
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_param = long
    start = time.process_time()
    graph = read(proto.SerializeToString())
    found = sound(outline(graph))
    assert max(len(scope.path) for scope in found.scopes) <= 2000
    assert len(graph.nodes[1].op_type) == 10_000_000
    assert time.process_time() - start < 5


def test_the_function_and_the_module_of_one_name() -> None:
    program = (
        "import onnxmagic.graph.facts; from onnxmagic.graph.read import skeleton; import onnxmagic.graph.read\n"
        "from onnxmagic.graph import read; import onnxmagic.graph.outline\n"
        "assert callable(read) and onnxmagic.graph.read is read and callable(skeleton)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_graph_says_its_outline_and_its_costs() -> None:
    graph = onnxmagic.graph.read(model().SerializeToString())
    assert graph.outline() == outline(graph)
    assert graph.costs() == costs(graph.outline(), graph)
