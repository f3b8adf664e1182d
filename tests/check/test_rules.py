"""Rules on evidence: the branches that no example shows, and what must not be found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import onnx.parser
import pytest
import torch
from torch import nn

from onnxmagic.check import catalogue
from onnxmagic.check.evidence import (
    Argument,
    AxisTrial,
    CaptureEvidence,
    EagerEvidence,
    Evidence,
    GraphEvidence,
    ModelEvidence,
    RunCase,
    RunEvidence,
    Untranslated,
)
from onnxmagic.check.finding import Finding, Where
from onnxmagic.graph.facts import Graph, Node, Value
from onnxmagic.graph.read import read


def found(evidence: Evidence, code: str) -> list[Finding]:
    return list(catalogue.run(evidence, select=[code]))


def one(evidence: Evidence, code: str) -> Finding:
    (finding,) = found(evidence, code)
    return finding


def model_evidence(model: nn.Module, *values: Any, **options: Any) -> ModelEvidence:
    arguments = tuple(
        Argument(f"a{i}", f"a{i}" if isinstance(v, torch.Tensor) else None, v) for i, v in enumerate(values)
    )
    return ModelEvidence(model, arguments, **options)


def graph_of(text: str) -> Graph:
    return read(onnx.parser.parse_model(text).SerializeToString())


EMPTY = Graph("g", (), (), (), (), {}, {"": 20}, 10, "", None)


# OM101


def test_train_mode_names_the_dropout_and_counts_the_rest() -> None:
    model = nn.ModuleDict({"bn": nn.BatchNorm1d(2), "drop": nn.Dropout(), "fc": nn.Linear(2, 2)})
    finding = one(model_evidence(model), "OM101")
    assert finding.message == (
        "`drop` and one other module were in training mode. Exported in eval; your model is as you left it."
    )
    assert (finding.count, finding.where.module, finding.fix and finding.fix.option) == (2, "drop", "--train")


def test_train_mode_of_the_model_itself_goes_by_its_class() -> None:
    assert one(model_evidence(nn.Dropout()), "OM101").message.startswith("`Dropout` was in training mode")


def test_train_mode_as_asked() -> None:
    assert "as asked" in one(model_evidence(nn.Dropout(), keep_train=True), "OM101").message


def test_train_mode_that_changes_nothing() -> None:
    assert found(model_evidence(nn.Linear(2, 2).train()), "OM101") == []


# OM102

DROPOUT = """
<ir_version: 10, opset_import: ["" : 20]>
g (float[4] x, bool flag) => (float[4] y)
<float ratio = {0.5}, float none = {0.0}, bool on = {1}, bool off = {0}>
{ y = Dropout (x, RATIO, FLAG) }
"""


@pytest.mark.parametrize(
    ("ratio", "flag", "count"), [("ratio", "on", 1), ("none", "on", 0), ("ratio", "off", 0), ("ratio", "flag", 0)]
)
def test_live_dropout(ratio: str, flag: str, count: int) -> None:
    graph = graph_of(DROPOUT.replace("RATIO", ratio).replace("FLAG", flag))
    assert len(found(GraphEvidence(graph), "OM102")) == count


def test_live_dropout_in_the_body_of_a_branch() -> None:
    text = """
    <ir_version: 10, opset_import: ["" : 20]>
    g (bool c, float[4] x) => (float[4] y)
    { y = If (c) <
        then_branch = a () => (float[4] p) <float r = {0.5}>
            { t = Constant <value = bool {1}> () p = Dropout (x, r, t) },
        else_branch = b () => (float[4] q) { q = Neg (x) }> }
    """
    assert one(GraphEvidence(graph_of(text)), "OM102").count == 1


def test_live_dropout_as_asked() -> None:
    graph = graph_of(DROPOUT.replace("RATIO", "ratio").replace("FLAG", "on"))
    assert found(GraphEvidence(graph, asked_train=True), "OM102") == []


def test_live_dropouts_of_one_line_are_one_finding() -> None:
    graph = graph_of(DROPOUT.replace("RATIO", "ratio").replace("FLAG", "on"))
    nodes = tuple(replace(graph.nodes[0], name=f"n{i}") for i in range(3))
    places = {"n0": Where(cell=1, line=2), "n1": Where(cell=1, line=2), "n2": Where(cell=1, line=9)}
    got = found(GraphEvidence(replace(graph, nodes=nodes), places=places), "OM102")
    assert [(f.count, f.where.line, f.where.node) for f in got] == [(2, 2, "n0"), (1, 9, "n2")]


# OM103


class Stubborn(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.drop = nn.Dropout()

    def eval(self) -> Stubborn:
        return self


class FrozenNorm(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.bn = nn.BatchNorm1d(2)

    def train(self, mode: bool = True) -> FrozenNorm:
        super().train(mode)
        self.bn.eval()
        return self


def test_an_eval_that_does_nothing_is_found_and_no_flag_is_changed() -> None:
    model = nn.Sequential(Stubborn())
    finding = one(model_evidence(model), "OM103")
    assert "`0` (Stubborn) leaves `drop` in training mode" in finding.message
    assert [m.training for m in model.modules()] == [True, True, True]


@pytest.mark.parametrize("mode", [True, False])
def test_a_train_that_freezes_norms_is_sound(mode: bool) -> None:
    model = FrozenNorm().train(mode)
    assert found(model_evidence(model), "OM103") == []
    assert (model.training, model.bn.training) == (mode, False)


def test_a_hidden_module_in_eval_mode_is_no_mistake() -> None:
    model = nn.Module()
    model.__dict__["teacher"] = [nn.Dropout().eval()]
    assert found(model_evidence(model), "OM103") == []


def test_eval_does_not_matter_when_training_mode_is_asked_for() -> None:
    assert found(model_evidence(Stubborn(), keep_train=True), "OM103") == []


# OM105, OM203, OM204


def trial(outcome: Any, **options: Any) -> EagerEvidence:
    return EagerEvidence((AxisTrial("batch", (("x", 0), ("mask", 0)), outcome, **options),))


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        ("mixes", "OM105"),
        ("refused", "OM203"),
        ("misread", "OM203"),
        ("branches", "OM204"),
        ("accepted", ""),
        ("untried", ""),
    ],
)
def test_what_the_trial_of_an_axis_means(outcome: str, code: str) -> None:
    got = catalogue.run(trial(outcome, detail="row 0 differs by 2", where=Where(cell=2, line=3)))
    assert [f.code for f in got] == ([code] if code else [])
    for finding in got:
        assert "axis 0 of `x` and `mask` (`batch`)" in finding.message
        assert "row 0 differs by 2" in finding.message
        assert finding.where == Where(cell=2, line=3)


def test_a_batch_that_was_not_wanted_is_no_mistake() -> None:
    assert found(replace(trial("refused"), static=True), "OM203") == []


def test_an_axis_that_was_asked_for_and_refused_is_told_also_with_static() -> None:
    assert len(found(replace(trial("refused", asked=True), static=True), "OM203")) == 1


# OM201, OM202


def test_axes_with_one_reason_are_one_finding() -> None:
    axes = (("x", 0, "a loop"), ("mask", 0, "a loop"), ("y", 1, "an int()"))
    got = found(GraphEvidence(EMPTY, refused_axes=axes), "OM201")
    assert [f.count for f in got] == [2, 1]
    assert "axis 0 of `x` and axis 0 of `mask`" in got[0].message


def test_static_as_asked() -> None:
    assert found(GraphEvidence(EMPTY, refused_axes=(("x", 0, "why"),), asked_static=True), "OM201") == []


def test_bounds_that_the_export_knows() -> None:
    finding = one(GraphEvidence(EMPTY, bounded_axes=(("x", 1, "sizes 0 to 16"),)), "OM202")
    assert "Axis 1 of `x`" in finding.message


def test_bounds_that_torch_wrote_into_the_file() -> None:
    note = {"pkg.torch.export.ExportedProgram.range_constraints": "{s1: VR[0, int_oo], s2: VR[2, 16]}"}
    graph = replace(EMPTY, inputs=(Value("x", "float32", ("s1", "s2", 4)),), metadata=note)
    finding = one(GraphEvidence(graph), "OM202")
    assert "Axis 1 of `x` is declared dynamic, but the file is only right for sizes 2 to 16." in finding.message


# OM206, OM207


def test_an_input_read_in_a_body_or_handed_through_is_used() -> None:
    text = """
    <ir_version: 10, opset_import: ["" : 20]>
    g (bool c, float[4] x, float[4] through) => (float[4] y, float[4] through)
    { y = If (c) <then_branch = a () => (float[4] x) {}, else_branch = b () => (float[4] q) { q = Neg (x) }> }
    """
    assert found(GraphEvidence(graph_of(text)), "OM206") == []


def test_tensors_that_became_no_input() -> None:
    assert "`mask` became no input" in one(GraphEvidence(EMPTY, baked_tensors=("mask",)), "OM206").message


def test_baked_arguments_are_listed_and_none_is_not() -> None:
    message = one(model_evidence(nn.Identity(), torch.ones(1), True, 2.5, None, "sum"), "OM207").message
    assert message.startswith("`a1=True`, `a2=2.5` and `a4='sum'` are fixed in the graph for ever;")
    assert "`torch.tensor(2.5)`" in message


def test_a_baked_flag_has_no_tensor_to_become() -> None:
    finding = one(model_evidence(nn.Identity(), True), "OM207")
    assert finding.message == "`a0=True` is fixed in the graph for ever; export once for each value that is needed."
    assert finding.fix is None


# OM210, OM211


def test_a_model_that_runs_on_another_type_is_sound() -> None:
    assert found(model_evidence(nn.Linear(2, 2).half(), torch.ones(1, 2), runs=True), "OM210") == []


def test_integers_and_models_of_mixed_types_are_sound() -> None:
    assert found(model_evidence(nn.Linear(2, 2).half(), torch.ones(1, dtype=torch.long)), "OM210") == []
    mixed = nn.Sequential(nn.Linear(2, 2).half(), nn.Linear(2, 2))
    assert found(model_evidence(mixed, torch.ones(1, 2)), "OM210") == []


@pytest.mark.parametrize(
    ("values", "count"),
    [
        ([torch.ones(3, 2).cumsum(1)], 1),
        ([torch.randn(3, 2), torch.zeros(3)], 0),
        ([torch.ones(3, dtype=torch.long)], 0),
        ([torch.tensor(0.0)], 0),
        ([torch.ones(0, 3)], 0),
        ([torch.ones(3, 2, device="meta")], 0),
        ([], 0),
    ],
)
def test_degenerate_examples(values: list[torch.Tensor], count: int) -> None:
    assert len(found(model_evidence(nn.Identity(), *values), "OM211")) == count


# OM301, OM302, OM311, OM312


def test_a_branch_names_the_users_line() -> None:
    where = Where(cell=3, line=4, source="if x.sum() > 0:")
    finding = one(CaptureEvidence(data_dependent="Eq(u0, 1)", where=where), "OM301")
    assert finding.message.startswith("`if x.sum() > 0:` depends on the values in a tensor")
    assert finding.where == where


def test_every_operator_without_translation_is_named() -> None:
    operators = (Untranslated("aten.median.dim", count=2), Untranslated("aten.i0.default", Where(line=7)))
    known, unknown = found(CaptureEvidence(untranslated=operators), "OM302")
    assert known.fix is not None
    assert known.count == 2
    assert "Instead of `x.median(-1).values` write `x.sort(-1)" in known.message
    assert (unknown.fix, unknown.where.line) == (None, 7)
    assert "`register_buffer`" in unknown.message


def test_the_checkers_node_gets_its_line() -> None:
    said = "node `cut` (Split): Unrecognized attribute"
    evidence = GraphEvidence(EMPTY, checker_error=said, places={"cut": Where(cell=5, line=1)})
    assert one(evidence, "OM311").where == Where(cell=5, line=1, node="cut")
    assert one(GraphEvidence(EMPTY, checker_error="no graph"), "OM311").where == Where()


# OM401, OM402, OM404, OM406, OM407


def case(problem: Any, batch: int = 1, **options: Any) -> RunCase:
    return RunCase("y", {"batch": batch}, "varied", problem, **options)


def test_differing_values_at_some_sizes() -> None:
    cases = (
        case(""),
        case("values", 2, max_abs=0.5, max_rel=0.25, ratio=40.0),
        case("values", 4, max_abs=0.1, max_rel=0.05),
    )
    assert one(RunEvidence("ORT", cases), "OM401").message == (
        "`y` differs from PyTorch at batch 2 and 4, by up to 0.5 (25 % of the largest value, 40 times PyTorch's own "
        "rounding). 2 of 3 comparisons fail, so look at what those sizes or inputs have in common."
    )


def test_values_that_differ_without_a_size() -> None:
    message = one(RunEvidence("ORT", (case("values", detail="3 of 8 values are different"),)), "OM401").message
    assert (
        message == "`y` differs from PyTorch at batch 1: 3 of 8 values are different. It does so in every comparison."
    )


def test_values_that_differ_where_nothing_varies() -> None:
    example = RunCase("y", {}, "example", "values", max_abs=1.0, max_rel=1.0)
    assert "`y` differs from PyTorch on your example," in one(RunEvidence("ORT", (example,)), "OM401").message


def test_nan_in_both_is_not_the_files_fault() -> None:
    only, both = found(RunEvidence("ORT", (case("nan"), case("nan-both", 2), case("nan-both", 4))), "OM402")
    assert "where PyTorch has numbers" in only.message
    assert "batch 2 and 4, and so has PyTorch" in both.message
    assert both.count == 2


@pytest.mark.parametrize(
    ("problem", "said"), [("count", "as many outputs"), ("shape", "the shape"), ("dtype", "the type")]
)
def test_mismatches(problem: str, said: str) -> None:
    finding = one(RunEvidence("ORT", (case(problem, detail="2 against 3"),)), "OM404")
    assert said in finding.message
    assert finding.message.endswith("at batch 1: 2 against 3.")


def test_a_runtime_that_loads_and_cannot_run() -> None:
    evidence = RunEvidence("ORT", (case("run", 4, detail="[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : bad shape"),))
    assert one(evidence, "OM406").message == "ORT cannot run the file at batch 4: bad shape."


def test_an_operator_set_that_is_too_new() -> None:
    finding = one(RunEvidence("ORT", load_error="ONNX Runtime only guarantees support for opset 21"), "OM406")
    assert finding.fix is not None
    assert finding.fix.option == "--opset"


def test_a_file_that_does_not_load_is_told_once() -> None:
    evidence = RunEvidence("ORT", load_error="no", not_proved="it does not load")
    assert [f.code for f in catalogue.run(evidence)] == ["OM406"]


# OM501, OM602, OM605


def test_an_opset_that_was_not_asked_for_is_no_mistake() -> None:
    assert found(GraphEvidence(EMPTY), "OM501") == []
    assert found(GraphEvidence(EMPTY, asked_opset=20), "OM501") == []


def test_two_large_files_cannot_be_one() -> None:
    finding = one(GraphEvidence(EMPTY, files=(("a.onnx", 500), ("a.onnx.data", 3_200_000_000))), "OM602")
    assert "`a.onnx` (500 bytes) and `a.onnx.data` (3.2 GB)" in finding.message
    assert finding.fix is None


@pytest.mark.parametrize(
    "text", ["File /home/me/net.py", "/Users/me/x", r"C:\Users\me\net.py", "see /tmp/ipykernel_1/2.py"]
)
def test_local_paths_leak(text: str) -> None:
    assert "local paths such as" in one(GraphEvidence(replace(EMPTY, metadata={"note": text})), "OM605").message


@pytest.mark.parametrize("text", ["pytorch 2.13", "m/s at 1/2", "https://example.org/home", "{s1: VR[0, int_oo]}"])
def test_plain_notes_do_not_leak(text: str) -> None:
    assert found(GraphEvidence(replace(EMPTY, metadata={"note": text})), "OM605") == []


def test_source_kept_as_asked() -> None:
    node = Node("n", "Neg", "", ("x",), ("y",), trace='File "/home/me/net.py", line 3, in forward\n    return -x')
    evidence = GraphEvidence(replace(EMPTY, nodes=(node,)), keep_source=True)
    finding = one(evidence, "OM605")
    assert "the source lines behind 1 node and local paths such as `/home/me/net.py`, as asked" in finding.message
    assert finding.where.node == "n"


# Hostile text


def test_a_message_from_elsewhere_is_cut() -> None:
    message = one(RunEvidence("ORT", load_error="node " + "x" * 100_000), "OM406").message
    assert len(message) < 500
    assert message.endswith("…")


def test_names_from_a_file_stay_on_one_line_without_backquotes() -> None:
    name = "`x`\n<script>" + "y" * 500
    graph = replace(EMPTY, inputs=(Value(name, "float32", (1,)),))
    message = one(GraphEvidence(graph), "OM206").message
    assert "\n" not in message
    assert message.count("`") == 2
    assert len(message) < 250
