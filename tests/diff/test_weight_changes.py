"""Which weights changed and by how much, whatever way the two files store them."""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from onnxmagic.diff.between import between
from onnxmagic.diff.reading import side_of
from onnxmagic.diff.result import Diff, WeightChange
from onnxmagic.errors import UsageMistake, ValueUnavailable

RANDOM = np.random.default_rng(3)
SIZE = 32
BASE = {
    **{f"l{i}.weight": RANDOM.standard_normal((SIZE, SIZE)).astype(np.float32) for i in range(3)},
    **{f"l{i}.bias": RANDOM.standard_normal(SIZE).astype(np.float32) for i in range(3)},
}
Weights = Mapping[str, np.ndarray]


def chain(weights: Weights, *, turned: bool = False, names: Mapping[str, str] | None = None) -> onnx.ModelProto:
    """Three linear layers; `turned` stores their weights as torch does, `names` renames."""
    called = names or {}
    nodes: list[onnx.NodeProto] = []
    last = "x"
    for i in range(3):
        reads = [last, *(called.get(f"l{i}.{part}", f"l{i}.{part}") for part in ("weight", "bias"))]
        nodes += [
            helper.make_node("Gemm", reads, [f"h{i}"], name=f"fc{i}", transB=int(turned)),
            helper.make_node(("Relu", "Tanh", "Sigmoid")[i], [f"h{i}"], [f"a{i}"]),
        ]
        last = f"a{i}"
    stored = [
        numpy_helper.from_array(np.ascontiguousarray(value.T) if turned else value, called.get(name, name))
        for name, value in weights.items()
    ]
    return whole(nodes, stored, last)


def whole(nodes: list[onnx.NodeProto], stored: list[onnx.TensorProto], last: str) -> onnx.ModelProto:
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", SIZE]) for name in ("x", last)]
    graph = helper.make_graph(nodes, "g", values[:1], values[1:], stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def diff(a: onnx.ModelProto | Path, b: onnx.ModelProto | Path) -> Diff:
    sides = [
        side_of(m.SerializeToString() if isinstance(m, onnx.ModelProto) else m, name)
        for name, m in (("a", a), ("b", b))
    ]
    return between(*sides)


def only(found: Diff) -> WeightChange:
    (change,) = found.weights.changed
    return change


def with_one(name: str, value: np.ndarray) -> dict[str, np.ndarray]:
    return {**BASE, name: value}


def test_the_same_weights_are_no_change() -> None:
    weights = diff(chain(BASE), chain(BASE)).weights
    assert (weights.same, weights.changed, weights.added, weights.removed) == (6, (), (), ())


def test_a_change_is_measured() -> None:
    after = BASE["l1.weight"].copy()
    after[3, 4] += 0.25
    change = only(diff(chain(BASE), chain(with_one("l1.weight", after))))
    x, y = BASE["l1.weight"].astype(float), after.astype(float)
    assert (change.name, change.before, change.after) == ("l1.weight",) * 3
    assert change.max_abs == pytest.approx(0.25, rel=1e-5)
    assert change.mean_abs == pytest.approx(0.25 / SIZE**2, rel=1e-5)
    assert change.cosine == pytest.approx((x * y).sum() / math.sqrt((x * x).sum() * (y * y).sum()), abs=1e-12)
    assert change.seen_through == ()
    assert change.reason == ""


def test_the_largest_change_comes_first() -> None:
    found = diff(chain(BASE), chain({name: value + 10.0 ** -int(name[1]) for name, value in BASE.items()}))
    assert [change.name[:2] for change in found.weights.changed] == ["l0", "l0", "l1", "l1", "l2", "l2"]


def test_the_same_values_under_other_names_are_no_change() -> None:
    names = {name: f"val_{i}" for i, name in enumerate(BASE)}
    found = diff(chain(BASE), chain(BASE, names=names))
    assert found.identical
    assert dict(found.weights.renamed) == names
    assert found.weights.same == 6


def test_a_weight_that_is_stored_transposed_is_the_same() -> None:
    found = diff(chain(BASE), chain(BASE, turned=True))
    assert found.weights.changed == ()
    assert found.weights.same == 6


def test_a_change_is_seen_through_a_transpose() -> None:
    after = with_one("l2.weight", BASE["l2.weight"] + np.float32(0.5))
    change = only(diff(chain(BASE), chain(after, turned=True)))
    assert change.seen_through == ("transposed",)
    assert change.max_abs == pytest.approx(0.5, rel=1e-5)


def test_a_cast_to_half_precision_is_seen_through() -> None:
    half = {name: value.astype(np.float16) for name, value in BASE.items()}
    nodes = [helper.make_node("Cast", [name], [f"{name}_32"], to=TensorProto.FLOAT) for name in half]
    made = chain(half)
    for node in made.graph.node:
        for slot in (1, 2):
            if len(node.input) > slot:
                node.input[slot] += "_32"
    for node in reversed(nodes):
        made.graph.node.insert(0, node)
    changes = diff(chain(BASE), made).weights.changed
    assert {change.name for change in changes} == BASE.keys()
    assert all(change.seen_through == ("cast",) and change.dtypes == ("float32", "float16") for change in changes)
    assert all(0 < change.max_abs < 2e-3 for change in changes)


@pytest.mark.parametrize("per_channel", [False, True])
def test_dynamic_quantisation_is_seen_through(tmp_path: Path, *, per_channel: bool) -> None:
    nodes, last = [], "x"
    for i in range(3):
        nodes.append(helper.make_node("MatMul", [last, f"l{i}.weight"], [f"h{i}"]))
        last = f"h{i}"
    matrices = [numpy_helper.from_array(value, name) for name, value in BASE.items() if "weight" in name]
    onnx.save(whole(nodes, matrices, last), tmp_path / "a.onnx")
    quantize_dynamic(tmp_path / "a.onnx", tmp_path / "b.onnx", per_channel=per_channel, weight_type=QuantType.QInt8)
    weights = diff(tmp_path / "a.onnx", tmp_path / "b.onnx").weights
    assert {change.name for change in weights.changed} == {f"l{i}.weight" for i in range(3)}
    for change in weights.changed:
        step = np.abs(BASE[change.name]).max() / 127
        assert change.seen_through == ("dequantised",)
        assert change.dtypes == ("float32", "int8")
        assert 0 < change.max_abs < 0.51 * step
        assert change.cosine > 0.999
    assert (weights.added, weights.removed) == ((), ())  # scales and zero points are no parameters


def test_a_generated_name_is_known_behind_its_quantiser_and_so_is_a_scale_behind_a_gather(tmp_path: Path) -> None:
    table, matrix = np.float32(np.linspace(-1, 1, 64)).reshape(16, 4), np.float32(np.linspace(-2, 2, 16)).reshape(4, 4)
    nodes = [helper.make_node("Gather", ["table.weight", "ids"], ["rows"])]
    nodes.append(helper.make_node("MatMul", ["rows", "val_41"], ["y"]))
    for node, module in zip(nodes, ("table", "head"), strict=True):
        scopes = node.metadata_props.add(key="pkg.torch.onnx.name_scopes")
        scopes.value = str(["", module, node.output[0]])
    weights = [numpy_helper.from_array(table, "table.weight"), numpy_helper.from_array(matrix, "val_41")]
    ids = helper.make_tensor_value_info("ids", TensorProto.INT64, ["n"])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4])
    graph = helper.make_graph(nodes, "net", [ids], [y], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), tmp_path / "a.onnx")
    quantize_dynamic(tmp_path / "a.onnx", tmp_path / "b.onnx", op_types_to_quantize=["Gather", "MatMul"])
    weights = diff(tmp_path / "a.onnx", tmp_path / "b.onnx").weights
    assert {change.name for change in weights.changed} == {"table.weight", "head.weight"}
    assert all(change.seen_through == ("dequantised",) and change.cosine > 0.999 for change in weights.changed)
    assert (weights.added, weights.removed) == ((), ())


def dequantised(scale: np.ndarray, zero: np.ndarray, axis: int = 1, **more: int) -> onnx.ModelProto:
    """The chain with its first weight as int8 behind a DequantizeLinear."""
    wide = scale if scale.ndim == 0 or more else np.expand_dims(scale, 1 - axis)
    if more:
        wide = np.repeat(scale, more["block_size"], axis=axis)
    offset = zero.astype(np.float32)
    offset = np.repeat(offset, more["block_size"], axis=axis) if more else offset.reshape(np.shape(wide))
    values = np.clip(np.round(BASE["l0.weight"] / wide) + offset, -128, 127).astype(np.int8)
    made = chain(BASE)
    made.graph.initializer[0].CopyFrom(numpy_helper.from_array(values, "l0.weight_quantized"))
    made.graph.initializer.extend([numpy_helper.from_array(scale, "s"), numpy_helper.from_array(zero, "z")])
    node = helper.make_node("DequantizeLinear", ["l0.weight_quantized", "s", "z"], ["l0.weight"], axis=axis, **more)
    made.graph.node.insert(0, node)
    made.opset_import[0].version = 21
    return made


@pytest.mark.parametrize("axis", [0, 1])
def test_scales_along_an_axis_are_seen_through(axis: int) -> None:
    scale = np.linspace(0.04, 0.06, SIZE).astype(np.float32)
    change = only(diff(chain(BASE), dequantised(scale, np.arange(SIZE).astype(np.int8) % 8 - 4, axis)))
    assert (change.name, change.seen_through) == ("l0.weight", ("dequantised",))
    assert change.max_abs <= 0.5 * scale.max() * 1.01


def test_scales_of_blocks_are_seen_through() -> None:
    scale = RANDOM.uniform(0.03, 0.06, (SIZE, SIZE // 8)).astype(np.float32)
    change = only(diff(chain(BASE), dequantised(scale, np.zeros(scale.shape, np.int8), 1, block_size=8)))
    assert change.max_abs <= 0.5 * scale.max() * 1.01


def test_nan_and_infinity_are_counted_and_do_not_hide_the_rest() -> None:
    before, after = BASE["l0.weight"].copy(), BASE["l0.weight"].copy()
    before[0, 0] = np.nan
    after[0, :3] = np.nan
    after[5, 5] += 2
    before[1, 1] = after[1, 1] = np.inf
    change = only(diff(chain(with_one("l0.weight", before)), chain(with_one("l0.weight", after))))
    assert change.nan == (1, 3)
    assert change.max_abs == pytest.approx(2, rel=1e-5)
    after[1, 1] = -np.inf
    assert only(diff(chain(with_one("l0.weight", before)), chain(with_one("l0.weight", after)))).max_abs == math.inf


def test_another_shape_is_a_change_with_its_reason() -> None:
    change = only(diff(chain(BASE), chain(with_one("l2.bias", np.zeros(1, np.float32)))))
    assert change.reason == "its shape was 32 and is 1"
    assert math.isnan(change.max_abs)


def test_added_and_removed_parameters_are_named() -> None:
    made = chain(BASE)
    made.graph.initializer.append(numpy_helper.from_array(BASE["l0.bias"] + 1, "extra.bias"))
    made.graph.initializer.append(numpy_helper.from_array(np.float32(0.5), "val_7"))  # a constant, no parameter
    made.graph.node.extend(
        [
            helper.make_node("Add", [made.graph.output[0].name, "extra.bias"], ["more"]),
            helper.make_node("Mul", ["more", "val_7"], ["end"]),
        ]
    )
    made.graph.output[0].name = "end"
    assert diff(chain(BASE), made).weights.added == ("extra.bias",)
    assert diff(made, chain(BASE)).weights.removed == ("extra.bias",)


def test_a_folded_weight_has_its_parameters_name() -> None:
    def folded(shift: float) -> onnx.ModelProto:
        names = {"l0.weight": "val_3"}
        made = chain(with_one("l0.weight", BASE["l0.weight"] + np.float32(shift)), names=names)
        value = helper.make_tensor_value_info("val_3", TensorProto.FLOAT, [SIZE, SIZE])
        value.metadata_props.add(key="pkg.onnxscript.optimizer.folded_from", value="['net.0.weight', 't']")
        made.graph.value_info.append(value)
        return made

    change = only(diff(folded(0), folded(1)))
    assert (change.name, change.before, change.after) == ("net.0.weight", "val_3", "val_3")


def test_a_missing_sidecar_claims_nothing_and_says_so(tmp_path: Path) -> None:
    kept = chain(BASE)
    onnx.save(kept, tmp_path / "b.onnx", save_as_external_data=True, location="b.data", size_threshold=0)
    (tmp_path / "b.data").unlink()
    found = diff(chain(BASE), tmp_path / "b.onnx")
    assert {name for name, _ in found.weights.unread} == BASE.keys()
    assert found.weights.changed == ()
    assert not found.identical
    assert found.nodes.same == 6
    assert any("6 weights are in `b.data`, which is not there" in note for note in found.notes)


def test_optimising_for_onnx_runtime_changes_no_weight(tmp_path: Path) -> None:
    onnx.save(chain(BASE), tmp_path / "a.onnx")
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "b.onnx")
    onnxruntime.InferenceSession(tmp_path / "a.onnx", options, providers=["CPUExecutionProvider"])
    weights = diff(tmp_path / "a.onnx", tmp_path / "b.onnx").weights
    assert (weights.same, weights.changed, weights.added, weights.removed) == (6, (), (), ())


def test_large_weights_are_compared_a_piece_at_a_time(tmp_path: Path) -> None:
    side = 3000
    weight = RANDOM.standard_normal((side, side)).astype(np.float32)
    for name, value in (("a", weight), ("b", weight + np.float32(0.125))):
        node = helper.make_node("MatMul", ["x", "w.weight"], ["y"])
        model = whole([node], [numpy_helper.from_array(value, "w.weight")], "y")
        onnx.save(model, tmp_path / f"{name}.onnx", save_as_external_data=True, location=f"{name}.data")
    tracemalloc.start()
    change = only(diff(tmp_path / "a.onnx", tmp_path / "b.onnx"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert change.max_abs == pytest.approx(0.125, rel=1e-4)
    assert peak < 0.5 * weight.nbytes


def test_histograms_of_a_weight_share_their_bins() -> None:
    found = diff(chain(BASE), chain(with_one("l1.weight", BASE["l1.weight"] + 3), turned=True))
    pair = found.weight("l1.weight")
    assert len(pair.edges) == len(pair.before) + 1 == len(pair.after) + 1
    assert sum(pair.before) == sum(pair.after) == SIZE**2
    assert pair.edges[0] == pytest.approx(BASE["l1.weight"].min())
    assert pair.edges[-1] == pytest.approx(BASE["l1.weight"].max() + 3)
    with pytest.raises(UsageMistake, match="no weight `l9`"):
        found.weight("l9")


def test_a_file_that_changed_since_gives_no_histogram(tmp_path: Path) -> None:
    onnx.save(chain(BASE), tmp_path / "a.onnx")
    onnx.save(chain(with_one("l1.weight", BASE["l1.weight"] + 1)), tmp_path / "b.onnx")
    found = diff(tmp_path / "a.onnx", tmp_path / "b.onnx")
    onnx.save(chain({name: value * 2 for name, value in BASE.items()}), tmp_path / "a.onnx")
    with pytest.raises(ValueUnavailable, match="a has changed since"):
        found.weight("l1.weight")
