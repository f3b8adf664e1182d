"""What a side knows of the values in a file, and what it says of those it cannot read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import TensorProto, helper, numpy_helper

from onnxmagic.diff.reading import side_of
from onnxmagic.diff.weights import alike
from onnxmagic.graph.read import NotAModel, read

RANDOM = np.random.default_rng(7)
W = RANDOM.standard_normal((64, 48)).astype(np.float32)


def model(weights: dict[str, np.ndarray], text: str = "") -> onnx.ModelProto:
    """A model with these initializers, and the nodes in `text`."""
    nodes = text or "".join(f"y{i} = Identity({name})\n" for i, name in enumerate(weights))
    made = onnx.parser.parse_model(
        f'<ir_version: 10, opset_import: ["" : 20]> g (float[n] x, bool c) => (float[n] y) {{ {nodes} y = Relu(x) }}'
    )
    made.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in weights.items())
    return made


def saved(path: Path, made: onnx.ModelProto, data: str = "") -> Path:
    kept = onnx.ModelProto()
    kept.CopyFrom(made)  # onnx.save takes the values out of the model that it writes apart
    onnx.save(kept, path, save_as_external_data=bool(data), location=data or None, size_threshold=0)
    return path


def test_a_hash_tells_values_and_not_names(tmp_path: Path) -> None:
    values = {"a": W, "same": W.copy(), "other": W + 1, "reshaped": W.reshape(48, 64), "half": W.astype(np.float16)}
    hashes = side_of(saved(tmp_path / "m.onnx", model(values))).hashes
    assert hashes.keys() == values.keys()
    assert hashes["a"] == hashes["same"]
    assert len(set(hashes.values())) == 4


@pytest.mark.parametrize("apart", [False, True])
def test_how_the_values_are_stored_does_not_matter(tmp_path: Path, *, apart: bool) -> None:
    plain = side_of(model({"w": W}).SerializeToString(), "bytes")
    typed = helper.make_tensor("w", TensorProto.FLOAT, W.shape, W.ravel())
    other = model({})
    other.graph.initializer.append(typed)
    other.graph.node.insert(0, helper.make_node("Identity", ["w"], ["y0"]))
    written = side_of(saved(tmp_path / "m.onnx", other, "m.data" if apart else ""))
    assert written.hashes["w"] == plain.hashes["w"]
    assert (written.name, plain.name) == ("m.onnx", "bytes")


def test_small_values_of_all_kinds_have_a_hash() -> None:
    values = {
        "text": np.array(["a", "b"], object),
        "flag": np.array(True),
        "empty": np.zeros((0, 4), np.float32),
        "axes": np.array([1, 2]),
    }
    side = side_of(model(values).SerializeToString())
    assert side.hashes.keys() == values.keys()


def test_a_missing_sidecar_leaves_a_side_without_hashes(tmp_path: Path) -> None:
    path = saved(tmp_path / "m.onnx", model({"w": W}), "m.data")
    (tmp_path / "m.data").unlink()
    side = side_of(path)
    assert side.hashes == {}
    assert [weight.name for weight in side.stored] == ["w"]


def test_a_sidecar_outside_of_the_folder_is_not_read(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    path = saved(folder / "m.onnx", model({"w": W}), "m.data")
    (folder / "m.data").rename(tmp_path / "m.data")
    made = onnx.load(path, load_external_data=False)
    made.graph.initializer[0].external_data[0].value = "../m.data"
    path.write_bytes(made.SerializeToString())
    assert side_of(path).hashes == {}


def test_no_model_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"PK\x03\x04")
    with pytest.raises(NotAModel, match="zip file"):
        side_of(tmp_path / "m.onnx")


def test_given_facts_are_taken_and_weights_left_alone_when_asked() -> None:
    data = model({"w": W}).SerializeToString()
    graph = read(data)
    side = side_of(data, graph=graph, hashed=False)
    assert side.graph is graph
    assert side.hashes == {}


def branches(inside: np.ndarray, constant: np.ndarray) -> bytes:
    """A model with an initializer in one branch, and a long constant in the other."""
    tensor = helper.make_tensor_value_info
    then = helper.make_graph(
        [helper.make_node("Identity", ["inside"], ["a"])],
        "t",
        [],
        [tensor("a", TensorProto.FLOAT, W.shape)],
        [numpy_helper.from_array(inside, "inside")],
    )
    node = helper.make_node("Constant", [], ["k"], value=numpy_helper.from_array(constant))
    other = helper.make_graph(
        [node, helper.make_node("Identity", ["k"], ["b"])], "e", [], [tensor("b", TensorProto.FLOAT, W.shape)]
    )
    made = model({"w": W})
    made.graph.node.append(helper.make_node("If", ["c"], ["z"], then_branch=then, else_branch=other))
    return made.SerializeToString()


def test_weights_and_constants_in_bodies_are_hashed_too() -> None:
    one, same, other = (side_of(branches(W + i, W + k)) for i, k in ((0, 0), (0, 0), (1, 2)))
    (inside,) = (i for i, weight in enumerate(one.stored) if weight.name == "inside")
    (constant,) = one.constants
    assert one.nodes[constant].op_type == "Constant"
    assert one.hash_of(inside) == same.hash_of(inside) == one.hashes["w"]
    assert one.hash_of(inside) != other.hash_of(inside)
    assert one.constants == same.constants != other.constants


def test_constants_in_a_function_are_found_at_each_of_its_calls() -> None:
    made = model({"w": W})
    node = helper.make_node("Constant", [], ["k"], value=numpy_helper.from_array(W))
    made.functions.append(
        helper.make_function(
            "local", "F", ["p"], ["q"], [node, helper.make_node("Add", ["p", "k"], ["q"])], made.opset_import
        )
    )
    made.opset_import.append(helper.make_opsetid("local", 1))
    made.graph.node.extend(helper.make_node("F", ["w"], [f"f{i}"], domain="local") for i in range(2))
    side = side_of(made.SerializeToString())
    assert [side.nodes[index].op_type for index in side.constants] == ["Constant", "Constant"]


def test_what_a_folded_weight_was_is_read_from_the_metadata_of_its_value() -> None:
    made = model({"val_8": W})
    value = helper.make_tensor_value_info("val_8", TensorProto.FLOAT, W.shape)
    value.metadata_props.add(key="pkg.onnxscript.optimizer.folded_from", value="['fc.weight', 't', 'val_3']")
    made.graph.value_info.append(value)
    assert side_of(made.SerializeToString()).folded == {"val_8": "fc.weight"}


def test_retrained_quantised_and_transposed_weights_are_alike_and_strangers_are_not() -> None:
    stored = {"w": W, "stranger": RANDOM.standard_normal(W.shape).astype(np.float32)}
    near = W + 0.01 * RANDOM.standard_normal(W.shape).astype(np.float32)
    variants = {
        "retrained": near,
        "int8": np.clip(np.round(near / 0.03), -128, 127).astype(np.int8),
        "turned": np.ascontiguousarray(near.T),
        "half": near.astype(np.float16),
    }
    like = alike(side_of(model(stored).SerializeToString()), side_of(model(variants).SerializeToString()))
    for index, name in enumerate(variants):
        assert like(0, index) > 0.95, name
        assert like(1, index) < 0.3, name
