"""No false alarm: the graphs of ONNX's own tests, all the operators there are, through every rule that reads a graph.

They were written to test backends, so each is sound as far as ONNX goes. What the checker accepts must get no error,
except those listed here with why they are true of the graph.
"""

from __future__ import annotations

import warnings
from collections import Counter
from functools import cache

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx.backend.test.case.node import collect_testcases
from onnx.backend.test.loader import load_model_tests

from onnxmagic.check import catalogue
from onnxmagic.check.evidence import GraphEvidence
from onnxmagic.check.finding import Finding
from onnxmagic.graph.checker import structure_error
from onnxmagic.graph.read import read

TRUE = {
    "OM306": "bfloat16 and float16 operators that ONNX Runtime refuses on a CPU: asked below",
}


@cache
def cases() -> dict[str, bytes]:
    """Every graph that ships with onnx: made by its node tests, or as files."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        made = [case for case in collect_testcases(None) if case.model is not None]
    found = {case.name: case.model.SerializeToString() for case in made}
    for kind in ("simple", "pytorch-operator", "pytorch-converted"):
        for case in load_model_tests(kind=kind):
            with open(f"{case.model_dir}/model.onnx", "rb") as file:  # noqa: PTH123 the loader hands out a text
                found[case.name] = file.read()
    return found


@cache
def accepted() -> dict[str, tuple[Finding, ...]]:
    """What is found in each graph that the checker accepts."""
    return {
        name: catalogue.run(GraphEvidence(read(data), source=data))
        for name, data in cases().items()
        if not structure_error(data)
    }


def test_there_are_many() -> None:
    assert len(cases()) > 1500
    assert len(accepted()) > 0.95 * len(cases())


def test_errors_are_true() -> None:
    errors = Counter(f.code for found in accepted().values() for f in found if f.severity == "error")
    assert set(errors) <= set(TRUE)


def test_onnx_runtime_refuses_what_is_said_to_have_no_kernel() -> None:
    named = [name for name, found in accepted().items() if any(f.code == "OM306" for f in found)]
    assert named
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    for name in named:
        model = onnx.load_from_string(cases()[name])
        # onnx writes newer versions than ONNX Runtime reads; the operators in question are older.
        model.ir_version, model.opset_import[0].version = 10, min(24, model.opset_import[0].version)
        with pytest.raises(Exception, match="NOT_IMPLEMENTED"):
            onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def test_what_the_checker_refuses_is_refused_in_words() -> None:
    for name in cases().keys() - accepted().keys():
        evidence = GraphEvidence(read(cases()[name]), checker_error=structure_error(cases()[name]))
        assert [f.severity for f in catalogue.run(evidence, select=["OM311"])] == ["error"]
