"""A file of more nodes than can be drawn: it is read whole, and its report says in a sentence what is not shown."""

from __future__ import annotations

import re
import time
from pathlib import Path

import onnx
import onnx.helper

import onnxmagic

NODES = 60_000
SENTENCE = "60,000 nodes are too many to draw here; .graph.nodes has them."


def chain(path: Path) -> Path:
    """Write a model in which each node reads the one before it."""
    relus = [onnx.NodeProto(name=f"n{i}", op_type="Relu", input=[f"v{i}"], output=[f"v{i + 1}"]) for i in range(NODES)]
    ends = [onnx.helper.make_tensor_value_info(f"v{at}", 1, ["n", 4]) for at in (0, NODES)]
    graph = onnx.GraphProto(name="g", node=relus, input=ends[:1], output=ends[1:])
    opset = [onnx.helper.make_opsetid("", 20)]
    path.write_bytes(onnx.ModelProto(ir_version=10, opset_import=opset, graph=graph).SerializeToString())
    return path


def test_sixty_thousand_nodes_are_read_and_said_to_be_too_many_to_draw(tmp_path: Path) -> None:
    path = chain(tmp_path / "long.onnx")
    start = time.process_time()
    shown = onnxmagic.show(path)
    text, html = str(shown), shown._repr_html_()
    assert time.process_time() - start < 10
    assert [node.name for node in shown.graph.nodes] == [f"n{i}" for i in range(NODES)]
    assert SENTENCE in text
    assert SENTENCE in re.sub(r"<[^>]*>", "", html)
    assert len(html) < 200_000
    assert "data-payload=" not in html
