"""``check(path, fix=…, output=…)``: what a button and ``--fix`` do, from the file to the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from mending import LIVE, model, nodes, run, two_files

import onnxmagic
from onnxmagic.errors import FixFailed, OnnxMagicError, UsageMistake

X = np.random.default_rng(4).normal(size=(3, 64)).astype(np.float32)


def written(path: Path, proto: onnx.ModelProto) -> Path:
    path.write_bytes(proto.SerializeToString())
    return path


def test_a_fix_is_applied_checked_and_proved(tmp_path: Path) -> None:
    path = written(tmp_path / "net.onnx", model(LIVE, ir_version=10))
    before = onnxmagic.check(path)
    fix = next(f.fix for f in before.findings if f.code == "OM102")
    assert fix is not None
    after = onnxmagic.check(path, fix=fix.rewrite or "", output=tmp_path / "fixed.onnx")
    assert "OM102" not in {f.code for f in after.findings}
    assert after.changes[0].startswith("1 live dropout becomes Identity")
    assert after.changes[-1].startswith("Bit for bit equal to the original with its dropouts off")
    assert onnx.load(tmp_path / "fixed.onnx").ir_version == 10  # nothing else was done


def test_a_file_is_mended_in_its_own_place(tmp_path: Path) -> None:
    path = written(tmp_path / "net.onnx", model(LIVE))
    onnxmagic.check(path, fix=True, output=path)
    assert nodes(onnx.load(path)) == ["y = Identity (x)"]
    again = onnxmagic.check(path, fix=True, output=path)
    assert again.changes == ()
    assert "nothing was written" in again.untried[0]
    assert [file.name for file in tmp_path.iterdir()] == ["net.onnx"]


def test_two_files_in_their_own_place_become_one(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    two_files(path)
    before = run(path, x=X)[0]
    done = onnxmagic.check(path, fix="OM602", output=path)
    assert [file.name for file in tmp_path.iterdir()] == ["net.onnx"]
    assert np.array_equal(run(path, x=X)[0], before)
    assert done.changes[-1].startswith("Bit for bit equal to the original")


def test_two_files_are_replaced_together(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    two_files(path)
    bare = onnx.load(path, load_external_data=False)
    bare.doc_string = "note"
    written(path, bare)
    before = run(path, x=X)[0]
    onnxmagic.check(path, fix="strip-metadata", output=path)
    assert {file.name for file in tmp_path.iterdir()} == {"net.onnx", "net.onnx.data"}
    assert onnx.load(path).doc_string == ""
    assert np.array_equal(run(path, x=X)[0], before)


def test_weights_that_the_source_needs_are_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    two_files(path)
    (tmp_path / "net.onnx.data").rename(tmp_path / "other.onnx.data")
    bare = onnx.load(path, load_external_data=False)
    for entry in (e for t in bare.graph.initializer for e in t.external_data if e.key == "location"):
        entry.value = "other.onnx.data"
    written(path, bare)
    before = (tmp_path / "other.onnx.data").read_bytes()
    with pytest.raises(UsageMistake, match="choose another name"):
        onnxmagic.check(path, fix=True, output=tmp_path / "other.onnx")
    assert (tmp_path / "other.onnx.data").read_bytes() == before


@pytest.mark.parametrize("moment", ["write_model", "install"])
def test_an_interrupt_leaves_both_old_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    path = tmp_path / "net.onnx"
    two_files(path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    place = {"write_model": "onnxmagic.disk.write.write_model", "install": "onnxmagic.examine.mended.install"}[moment]
    monkeypatch.setattr(place, interrupted)
    with pytest.raises(KeyboardInterrupt):
        onnxmagic.check(path, fix=True, output=path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_safe_rewrite_that_changes_numbers_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from onnxmagic.fix import fixes
    from onnxmagic.fix.catalogue import LoadedRewrite
    from onnxmagic.fix.rewrite import Rewrite

    def apply(graph: object) -> list[str]:
        graph.graph[0].op_type = "Neg"  # type: ignore[attr-defined]
        return ["Changed."]

    lying = LoadedRewrite(Rewrite("lying", "it lies", ()), apply, "")
    monkeypatch.setattr(fixes, "rewrites", lambda: (lying,))
    path = written(tmp_path / "net.onnx", model("g (float[n, 4] x) => (float[n, 4] y) { y = Relu (x) }"))
    with pytest.raises(FixFailed, match="`y` differs by"):
        onnxmagic.check(path, fix=True, output=tmp_path / "fixed.onnx")
    assert [file.name for file in tmp_path.iterdir()] == ["net.onnx"]


def test_what_was_not_run_is_said_to_be_not_compared(tmp_path: Path) -> None:
    path = written(tmp_path / "net.onnx", model(LIVE))
    done = onnxmagic.check(path, fix=True, output=tmp_path / "fixed.onnx", run=False)
    assert any(text.startswith("Not compared with the original") for text in done.untried)


@pytest.mark.parametrize("cut", [0, 1, 30, 60])
def test_a_damaged_file_gives_one_clear_error_and_no_file(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(model(LIVE).SerializeToString()[:cut])
    with pytest.raises(OnnxMagicError):
        onnxmagic.check(path, fix=True, output=tmp_path / "fixed.onnx")
    assert [file.name for file in tmp_path.iterdir()] == ["net.onnx"]
