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


def file_with(path: Path, kind: str) -> Path:
    """Write a file that has what the fix mends."""
    if kind == "single-file":
        two_files(path)
        return path
    if kind == "deduplicate-weights":
        proto = model("g (float[n, 64] x) => (float[n, 64] y) { h = MatMul (x, w) y = MatMul (h, v) }")
        weight = np.random.default_rng(5).normal(size=(64, 64)).astype(np.float32)
        proto.graph.initializer.extend(onnx.numpy_helper.from_array(weight, name) for name in "wv")
        return written(path, proto)
    if kind == "strip-metadata":
        proto = model("g (float[n, 4] x) => (float[n, 4] y) { y = Relu (x) }")
        proto.graph.node[0].metadata_props.add(key="pkg.torch.onnx.stack_trace", value='File "/home/me/net.py", line 1')
        return written(path, proto)
    return written(path, model(TEXTS[kind], ir_version=10))


TEXTS = {
    "dropout-to-identity": LIVE,
    "lower-ir": "g (float[n, 4] x) => (float[n, 4] y) { y = Relu (x) }",
    "rename-axes": "g (float[s77, 4] x) => (float[s77, 4] y) { y = Relu (x) }",
    "remove-unused-inputs": "g (float[n, 4] x, float[n] mask) => (float[n, 4] y) { y = Relu (x) }",
    "shape-inference": "g (float[n, 4] x) => (float[n, 4] y) { h = Relu (x) y = Neg (h) }",
    "remove-cast-chains": "g (float[n, 4] x) => (float[n, 4] y) { h = Cast <to = 11> (x) y = Cast <to = 1> (h) }",
    "remove-rounding-casts": "g (float[n, 4] x) => (float[n, 4] y) { h = Cast <to = 10> (x) y = Cast <to = 1> (h) }",
    "double-to-float": """g (float[n, 4] x) => (float[n, 4] y)
        <double[4] w = {0.1, 0.2, 0.3, 0.4}, float[4] v = {1, 2, 3, 4}> {
        a = Cast <to = 11> (x) b = Mul (a, w) c = Cast <to = 1> (b) y = Add (c, v) }""",
}
MENDS = {
    "dropout-to-identity": "OM102",
    "lower-ir": "OM503",
    "strip-metadata": "OM605",
    "single-file": "OM602",
    "rename-axes": "",  # no rule complains of a name that says nothing
    "remove-unused-inputs": "OM206",
    "deduplicate-weights": "OM309",
    "shape-inference": "OM313",
    "remove-cast-chains": "OM310",
    "remove-rounding-casts": "",  # the rule finds casts that lose nothing
    "double-to-float": "OM305",
}
UNSAFE = {"double-to-float", "remove-rounding-casts"}


def test_every_rewrite_is_in_the_table() -> None:
    from onnxmagic.fix.catalogue import rewrites

    assert set(MENDS) == {each.name for each in rewrites()}
    assert {each.name for each in rewrites() if not each.rewrite.safe} == UNSAFE


@pytest.mark.parametrize("name", MENDS)
def test_each_fix_mends_what_was_found_and_is_checked_proved_and_told(name: str, tmp_path: Path) -> None:
    path, code = file_with(tmp_path / "net.onnx", name), MENDS[name]
    targets = "onnxruntime==1.17" if name == "lower-ir" else ""
    before = onnxmagic.check(path, targets=targets)
    assert code in {"", *(f.code for f in before.findings)}
    after = onnxmagic.check(path, fix=name, output=tmp_path / "fixed.onnx", targets=targets)
    assert after.path == tmp_path / "fixed.onnx"
    assert not code or code not in {f.code for f in after.findings}
    assert len(after.changes) >= 2  # what was changed, and what the comparison with the original showed
    assert "the original" in after.changes[-1]
    assert name in UNSAFE or after.changes[-1].startswith("Bit for bit equal")
    assert after.ok
    assert after.runs  # checked again, by running it
    assert after.changes[0].replace("`", "") in " ".join(str(after).split())


@pytest.mark.parametrize("name", [name for name, code in MENDS.items() if code])
def test_each_finding_that_a_fix_mends_has_its_button_in_the_report(name: str, tmp_path: Path) -> None:
    from onnxmagic.view.parts import Item
    from onnxmagic.view.report import report

    check = onnxmagic.check(file_with(tmp_path / "net.onnx", name), targets="onnxruntime==1.17", run=False)
    items = [part for section in report(check).sections for part in section.parts if isinstance(part, Item)]
    (button,) = [action for item in items for action in item.actions if action.text == name]
    assert button.kind == "apply"
    assert ("changing numbers" in button.label) == (name in UNSAFE)
    pressed = check.fix(name)
    assert pressed.path == tmp_path / "net.fixed.onnx"
    assert MENDS[name] not in {f.code for f in pressed.findings}


def test_safe_leaves_alone_what_changes_numbers_and_unsafe_does_not(tmp_path: Path) -> None:
    path = file_with(tmp_path / "net.onnx", "remove-rounding-casts")
    x = {"x": np.float32([[0.1, 1e-9, 3, 70_000]])}
    onnxmagic.check(path, fix="safe", output=tmp_path / "safe.onnx")
    assert np.array_equal(run(tmp_path / "safe.onnx", **x)[0], run(path, **x)[0])
    done = onnxmagic.check(path, fix="unsafe", output=tmp_path / "unsafe.onnx")
    assert np.array_equal(run(tmp_path / "unsafe.onnx", **x)[0], x["x"])
    assert any("less precise" in change for change in done.changes)
    assert done.changes[-1].startswith("Differs from the original by at most")
