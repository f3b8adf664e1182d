"""The files of facts: each fact with its source, its date and how it was learnt, and what holds at which version."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import onnx
import pytest

from onnxmagic.target import find_targets, target_names
from onnxmagic.target.facts import documents, target

HOUSE = Path(__file__).parents[2]
SCHEMA = json.loads((HOUSE / "docs" / "target.schema.json").read_text(encoding="utf-8"))
NAMES = target_names()


def fact(value, of, word="ran"):
    return {"value": value, "note": "", "of": of, "word": word, "source": "a run of something", "date": "2026-11-21"}


def document(**facts):
    """A file of facts with nothing in it but `facts`."""
    kinds = {key: [] for key, entry in SCHEMA["properties"].items() if entry["type"] == "array"}
    return {"name": "it", "title": "It", "aliases": [], "note": "", "otherwise": "", **kinds, **facts}


@pytest.mark.parametrize("name", NAMES)
def test_every_fact_says_its_source_its_date_and_how_it_was_learnt(name):
    jsonschema.validate(documents()[name], SCHEMA)


def test_a_fact_without_a_source_would_be_noticed():
    bare = {key: value for key, value in fact(20, "1.0").items() if key not in ("source", "note")}
    with pytest.raises(jsonschema.ValidationError, match="source"):
        jsonschema.validate(document(opset=[bare]), SCHEMA)
    jsonschema.validate(document(opset=[fact(20, "1.0")]), SCHEMA)


def test_the_wanted_targets_are_there():
    wanted = "onnxruntime onnxruntime-web onnxruntime-mobile openvino opencv tensorrt coreml nnapi qnn tflite tract"
    assert set(wanted.split()) <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_named_by_its_target(name):
    assert (HOUSE / "onnxmagic" / "target" / "facts" / f"{name.replace('-', '_')}.json").is_file()


@pytest.mark.parametrize("name", NAMES)
def test_only_operators_that_exist_are_named(name):
    known = {schema.name for schema in onnx.defs.get_all_schemas_with_history()}
    # Of other domains, of old sets, and of the stacks themselves.
    own = {"ImageScaler", "ParametricSoftplus", "ScaledTanh", "Inverse", "GroupNorm"}
    named = {operator for operator in find_targets(name)[0].operators if "::" not in operator}
    assert named - known <= own


@pytest.mark.parametrize("name", NAMES)
def test_one_source_does_not_contradict_itself(name):
    for table in documents()[name]["operators"]:
        assert not set(table["yes"]) & set(table["no"])
        assert not set(table.get("partly", ())) & {*table["yes"], *table["no"]}


def test_the_docs_name_every_target():
    page = (HOUSE / "docs" / "targets.md").read_text(encoding="utf-8")
    assert [name for name in NAMES if f"`{name}`" not in page] == []


def test_the_newest_fact_at_or_below_a_version_holds():
    known = document(opset=[fact(13, "1.0"), fact(15, "1.2.1"), fact(20, "2.0")])
    assert [target(known, v).highest_opset for v in ("1.0", "1.1", "1.2", "1.2.0", "1.9", "2", "3", "")] == [
        13, 13, 15, 15, 15, 20, 20, 20
    ]  # fmt: skip


def test_a_stand_in_is_said():
    known = document(opset=[fact(15, "1.2.1")])
    assert target(known, "1.2").said == ""
    assert target(known, "1.7").said == (
        "Nothing is known here of It 1.7 itself: it is taken for 1.2.1, the nearest one below."
    )


def test_a_newer_fact_says_nothing_of_an_older_version():
    known = document(opset=[fact(15, "1.2")], int64=[fact("yes", "1.2")])
    old = target(known, "1.0")
    assert (old.highest_opset, old.int64_io) == (None, "unknown")
    assert "the oldest version known here is 1.2" in old.said


def test_a_run_counts_more_than_a_table():
    source = {"source": "a run of something", "date": "2026-11-21", "of": "1.0", "all": False}
    tables = [
        {**source, "word": "table says", "yes": ["Conv"], "no": []},
        {**source, "word": "ran", "yes": [], "no": ["Conv"]},
    ]
    first = target(document(operators=tables)).operators["Conv"][0]
    assert (first.support, first.fact.word) == ("no", "ran")


def test_onnx_runtime_reads_what_was_measured():
    seventeen, newest = find_targets("onnxruntime==1.17.1, onnxruntime")
    assert (seventeen.highest_opset, seventeen.highest_ir, seventeen.opset_fact.word) == (20, 9, "ran")
    assert (newest.highest_opset, newest.highest_ir) == (26, 13)


def test_the_installed_runtime_is_as_the_facts_say(tmp_path):
    import numpy as np
    import onnxruntime

    from onnxmagic.runtime.ort import OnnxRuntime

    known = find_targets(f"onnxruntime=={onnxruntime.__version__}")[0]
    head = f'<ir_version: {known.highest_ir}, opset_import: ["" : {known.highest_opset}]>'
    model = onnx.parser.parse_model(f"{head} g (float[1] x) => (float[1] y) {{ y = Relu(x) }}")
    onnx.save(model, tmp_path / "net.onnx")
    session = OnnxRuntime().load(tmp_path / "net.onnx")
    assert session.run({"x": np.array([-1.0], np.float32)})[0] == 0
