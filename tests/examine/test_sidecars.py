"""The files that travel with a model: looked up inside its folder, never opened, never outside."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from file_models import pointing, with_weights

import onnxmagic
from onnxmagic.check.finding import Finding


def findings(path: Path) -> dict[str, Finding]:
    return {f.code: f for f in onnxmagic.check(path, run=False, select="OM6").findings}


def test_a_model_with_its_weights_beside_it(tmp_path: Path) -> None:
    found = findings(with_weights(tmp_path / "net.onnx", "net.onnx.data"))
    assert set(found) == {"OM602"}
    assert "`net.onnx.data` (1.02 kB)" in found["OM602"].message


def test_weights_that_were_left_behind(tmp_path: Path) -> None:
    path = with_weights(tmp_path / "net.onnx", "net.onnx.data")
    (tmp_path / "net.onnx.data").unlink()
    check = onnxmagic.check(path)
    (finding,) = check.findings
    assert (finding.code, finding.severity) == ("OM601", "error")
    assert finding.message.startswith("The weights are in `net.onnx.data`, which is not beside the model")
    assert "Not run: its weights are not all there." in check.untried


def test_weights_that_were_cut_off(tmp_path: Path) -> None:
    path = with_weights(tmp_path / "net.onnx", "net.onnx.data")
    os.truncate(tmp_path / "net.onnx.data", 1000)
    assert "`net.onnx.data` has 1 kB, and the weights in it end at 1.02 kB" in findings(path)["OM601"].message


@pytest.mark.parametrize(
    "location",
    ["/etc/passwd", "../w.data", "a/../../w.data", "..\\w.data", "C:\\w.data", "C:w.data", "\\\\host\\share\\w"],
)
def test_a_location_outside_the_folder(tmp_path: Path, location: str) -> None:
    check = onnxmagic.check(pointing(tmp_path / "net.onnx", location))
    assert [f.code for f in check.findings if f.severity == "error"] == ["OM604"]
    assert "Not run: its weights lie outside its folder." in check.untried


@pytest.mark.parametrize("location", ["w.data", "sub/w.data", "sub/../w.data", "./w.data"])
def test_a_location_inside_is_only_missing(tmp_path: Path, location: str) -> None:
    assert "OM601" in findings(pointing(tmp_path / "net.onnx", location))


@pytest.mark.parametrize("location", ["", ".", "a\0b", "x" * 5000, "w\nw"])
def test_a_location_that_is_no_name_is_missing(tmp_path: Path, location: str) -> None:
    assert "OM601" in findings(pointing(tmp_path / "net.onnx", location))


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "secret").write_bytes(bytes(1024))
    (tmp_path / "in" / "w.data").symlink_to(tmp_path / "secret")
    assert set(findings(pointing(tmp_path / "in" / "net.onnx", "w.data"))) == {"OM604"}


def test_what_lies_behind_such_a_link_is_never_read(tmp_path: Path) -> None:
    """A pipe in its place would block whoever opens it, the checker and the runtime too."""
    (tmp_path / "in").mkdir()
    os.mkfifo(tmp_path / "secret")
    (tmp_path / "in" / "w.data").symlink_to(tmp_path / "secret")
    check = onnxmagic.check(pointing(tmp_path / "in" / "net.onnx", "w.data"))
    assert "OM604" in [f.code for f in check.findings]
    assert (check.runs, check.ok) == ((), False)


def test_a_linked_folder_is_not_followed_either(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "w.data").write_bytes(bytes(1024))
    (tmp_path / "in" / "sub").symlink_to(tmp_path / "out")
    assert set(findings(pointing(tmp_path / "in" / "net.onnx", "sub/w.data"))) == {"OM604"}


def test_a_link_within_the_folder_is_fine(tmp_path: Path) -> None:
    path = with_weights(tmp_path / "net.onnx", "w.data")
    (tmp_path / "w.data").rename(tmp_path / "real.data")
    (tmp_path / "w.data").symlink_to("real.data")
    assert set(findings(path)) == {"OM602"}


def test_a_cache_in_which_model_and_weights_are_both_links(tmp_path: Path) -> None:
    """Hugging Face's cache is made so, and ONNX Runtime loads from it."""
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshot"
    blobs.mkdir()
    snapshot.mkdir()
    with_weights(blobs / "aaa", "net.onnx_data")
    for name, blob in (("net.onnx", "aaa"), ("net.onnx_data", "net.onnx_data")):
        (snapshot / name).symlink_to(blobs / blob)
    check = onnxmagic.check(snapshot / "net.onnx")
    assert check.ok
    assert check.runs


def test_what_is_no_file_is_not_there(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "w.data")
    assert "OM601" in findings(pointing(tmp_path / "net.onnx", "w.data"))


def test_weights_of_an_attribute_are_looked_at_too(tmp_path: Path) -> None:
    import onnx

    model = onnx.parser.parse_model('<ir_version: 8, opset_import: ["" : 17]> g () => (float[4] y) { y = Constant() }')
    value = model.graph.node[0].attribute.add(name="value", type=onnx.AttributeProto.TENSOR).t
    value.dims.append(4)
    value.data_type, value.data_location = 1, onnx.TensorProto.EXTERNAL
    value.external_data.add(key="location", value="../../etc/hosts")
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    assert "OM604" in findings(tmp_path / "net.onnx")


def test_a_data_file_that_nothing_refers_to(tmp_path: Path) -> None:
    path = with_weights(tmp_path / "net.onnx")
    (tmp_path / "net.onnx.data").write_bytes(bytes(2000))
    assert "`net.onnx.data` (2 kB) lies beside the model" in findings(path)["OM603"].message


def test_a_neighbours_data_file_is_not_stale(tmp_path: Path) -> None:
    path = with_weights(tmp_path / "net.onnx")
    with_weights(tmp_path / "other.onnx", "net.data")
    (tmp_path / "unrelated.data").write_bytes(bytes(10))
    assert findings(path) == {}


def test_a_data_file_that_grew(tmp_path: Path) -> None:
    for _ in range(3):  # onnx.save adds to what is there
        with_weights(tmp_path / "net.onnx", "net.onnx.data", size=256)
    assert "it grew" in findings(tmp_path / "net.onnx")["OM603"].message


def test_a_data_file_that_two_models_share(tmp_path: Path) -> None:
    with_weights(tmp_path / "a.onnx", "shared.data", size=256)
    path = with_weights(tmp_path / "b.onnx", "shared.data", size=256)
    assert set(findings(path)) == {"OM602"}


def test_gaps_that_align_are_no_waste(tmp_path: Path) -> None:
    path = pointing(tmp_path / "net.onnx", "w.data")
    import onnx

    model = onnx.load(str(path), load_external_data=False)
    model.graph.initializer[0].external_data.add(key="offset", value="65536")
    path.write_bytes(model.SerializeToString())
    (tmp_path / "w.data").write_bytes(bytes(65536 + 1024))
    assert set(findings(path)) == {"OM602"}


def test_a_model_of_bytes_has_no_folder(tmp_path: Path) -> None:
    shutil.copy(with_weights(tmp_path / "net.onnx", "w.data"), tmp_path / "copy")
    check = onnxmagic.check((tmp_path / "copy").read_bytes())
    assert check.ok
    assert any("bytes lie in no folder" in text for text in check.untried)
