"""A file mended through the check: proved against the original, checked again, written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from file_models import graph, saved

import onnxmagic
from onnxmagic.errors import FixFailed, UsageMistake

DROPOUT = """(float[n,4] x) => (float[n,4] y)
<bool on = {1}, float ratio = {0.5}> { z = Abs(x) y = Dropout(z, ratio, on) }"""
SOUND = "(float[n,4] x) => (float[n,4] y) { y = Relu(x) }"


def test_a_live_dropout_is_mended_and_the_new_file_is_checked(tmp_path: Path) -> None:
    path = saved(tmp_path / "net.onnx", DROPOUT)
    assert "OM102" in [f.code for f in onnxmagic.check(path).findings]
    check = onnxmagic.check(path, fix="dropout-to-identity", output=tmp_path / "fixed.onnx")
    assert (check.path, check.name) == (tmp_path / "fixed.onnx", "fixed.onnx")
    assert not {"OM102", "OM405"} & {f.code for f in check.findings}
    assert check.changes[-1].startswith("Bit for bit equal to the original with its dropouts off, in ONNX Runtime")
    assert "Dropout" not in [n.op_type for n in onnx.load(str(check.path)).graph.node]


def test_the_original_stays(tmp_path: Path) -> None:
    path = saved(tmp_path / "net.onnx", DROPOUT)
    before = path.read_bytes()
    onnxmagic.check(path, fix=True, output=tmp_path / "fixed.onnx")
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["fixed.onnx", "net.onnx"]


def test_where_nothing_applies_nothing_is_written(tmp_path: Path) -> None:
    path = saved(tmp_path / "net.onnx", SOUND)
    check = onnxmagic.check(path, fix="dropout-to-identity", output=tmp_path / "fixed.onnx")
    assert check.path == path
    assert check.changes == ()
    assert check.untried[0] == "Nothing was mended, and nothing was written: no fix applies."
    assert not (tmp_path / "fixed.onnx").exists()


def test_a_mended_file_that_computes_something_else_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from onnxmagic.examine import mended

    wrong = saved(tmp_path / "wrong.onnx", SOUND.replace("Relu(x)", "Neg(x)"))
    monkeypatch.setattr(mended._Mending, "_twin", lambda *_: wrong)
    with pytest.raises(FixFailed, match="is not what the original was"):
        onnxmagic.check(saved(tmp_path / "net.onnx", DROPOUT), fix=True, output=tmp_path / "fixed.onnx")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net.onnx", "wrong.onnx"]


def test_a_model_in_memory_is_mended_too(tmp_path: Path) -> None:
    check = onnxmagic.check(graph(DROPOUT), fix=True, output=tmp_path / "fixed.onnx")
    assert check.path == tmp_path / "fixed.onnx"
    assert check.ok


def test_without_running_the_proof_is_said_to_be_missing(tmp_path: Path) -> None:
    check = onnxmagic.check(graph(DROPOUT), fix=True, output=tmp_path / "fixed.onnx", run=False)
    assert "Not compared with the original: run=False (--no-run)." in check.untried


def test_what_is_no_model_cannot_be_mended(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"no")
    with pytest.raises(UsageMistake, match=r"It cannot be mended: `net\.onnx` is no ONNX model"):
        onnxmagic.check(tmp_path / "net.onnx", fix=True, output=tmp_path / "fixed.onnx")
