"""The magics with nothing replaced: the real exporter, the real report, in a shell without a kernel."""

from __future__ import annotations

import pytest


def test_a_line_writes_a_proved_file_and_shows_its_report(nb, tmp_path, capsys):
    nb.run("import torch\nmodel, x = torch.nn.Linear(4, 2), torch.randn(1, 4)")
    capsys.readouterr()
    result = nb.run(f"e = %onnx_export model(x) -o {tmp_path}/net.onnx\ne")
    assert result is nb["e"]
    assert result.ok
    assert result.path == tmp_path / "net.onnx"
    assert result.path.stat().st_size > 0
    assert capsys.readouterr().out.count("Agrees with PyTorch") == 1


def test_a_cell_in_silence(nb, capsys):
    nb.run("import torch\nmodel = torch.nn.Linear(4, 2)")
    capsys.readouterr()
    nb.run("%%onnx_export --as e --static --no-prove\nx = torch.randn(1, 4)\nmodel(x);")
    assert capsys.readouterr() == ("", "")
    assert [axis.status for axis in nb["e"].axes] == ["static"]


def test_a_failure_names_the_cell_and_the_line(nb, capsys):
    cell = (
        "import torch\nclass Branch(torch.nn.Module):\n    def forward(self, x):\n"
        "        if x.sum() > 0:\n            return x\n        return -x\nbranch = Branch()"
    )
    number = nb.try_(cell).execution_count
    capsys.readouterr()
    nb.try_("%onnx_export branch(torch.ones(1, 3))")
    shown = capsys.readouterr().out
    assert f"cell {number}, line 4, in forward" in shown
    assert "onnxmagic/" not in shown


@pytest.mark.parametrize("options", ["-o /no/such/folder/net.onnx", "--opset 99", "--dynamic y:1"])
def test_misuse(nb, options):
    nb.run("import torch\nmodel, x = torch.nn.Linear(4, 2), torch.randn(1, 4)")
    assert len(nb.error(f"%onnx_export model(x) {options}").splitlines()) == 1


def test_what_the_notebook_s_own_line_continuation_gives(nb):
    nb.run("import torch\nmodel, x = torch.nn.Linear(4, 2), torch.randn(1, 4)")
    nb.run("e = %onnx_export model(x) \\\n  --static \\\n  --no-prove -q")
    assert [axis.status for axis in nb["e"].axes] == ["static"]


def test_a_file_is_checked_mended_and_let_through_the_gate(nb, tmp_path, capsys):
    nb.run("import torch\nmodel, x = torch.nn.Sequential(torch.nn.Linear(4, 2), torch.nn.Dropout()), torch.randn(2, 4)")
    nb.run(f"torch.onnx.export(model.train(), (x,), {str(tmp_path / 'net.onnx')!r}, dynamo=True, verbose=False)")
    capsys.readouterr()
    result = nb.try_(f"%onnx_check {tmp_path}/net.onnx --fail-on error")
    assert type(result.error_in_exec).__name__ == "CheckFailed"
    assert capsys.readouterr().out.count("OM102 live-dropout") == 1
    mended = nb.run(f"%onnx_check {tmp_path}/net.onnx --fix -o {tmp_path}/mended.onnx --fail-on error")
    assert mended.changes
    assert "OM102" not in [finding.code for finding in mended.findings]


def test_a_model_that_cannot_be_exported_gives_its_line(nb, capsys):
    number = nb.try_(
        "import torch\nclass Branch(torch.nn.Module):\n    def forward(self, x):\n"
        "        return x if x.sum() > 0 else -x\nbranch = Branch()"
    ).execution_count
    check = nb.run("%onnx_check branch(torch.ones(1, 3)) --ignore OM2")
    assert [(f.code, f.where.cell, f.where.line) for f in check.findings] == [("OM301", number, 4)]


def test_an_export_is_checked_against_its_model(nb):
    nb.run("import torch\nmodel, x = torch.nn.Linear(4, 2), torch.randn(2, 4)\ne = %onnx_export model(x);")
    check = nb.run("%onnx_check e --against model --data [(x,)] -q")
    assert check.parity.ok


def test_a_file_is_checked_against_several_targets(nb, tmp_path, capsys):
    nb.run("import torch\nmodel, x = torch.nn.Embedding(9, 4), torch.zeros(2, 5, dtype=torch.int64)")
    nb.run(f"%onnx_export model(x) -o {tmp_path}/net.onnx -q;")
    capsys.readouterr()
    targets = "--target onnxruntime==1.17 --target openvino --target tensorrt==8.6"
    check = nb.run(f"c = %onnx_check {tmp_path}/net.onnx {targets} -q\nc")
    told = {(f.code, target) for f in check.findings for target in ("1.17", "8.6") if target in f.message}
    assert {("OM503", "1.17"), ("OM502", "8.6"), ("OM506", "8.6")} <= told
    assert sum("OpenVINO" in sentence for sentence in check.untried) >= 1


def test_a_file_is_compared_with_its_model_on_the_batches_of_a_loader(nb, tmp_path):
    nb.run(
        "import torch\nmodel = torch.nn.Linear(4, 2)\n"
        "data = torch.utils.data.TensorDataset(torch.randn(6, 4), torch.zeros(6))\n"
        "val_loader = torch.utils.data.DataLoader(data, batch_size=4)\n"
        f"e = %onnx_export model(torch.randn(1, 4)) -o {tmp_path}/net.onnx;"
    )
    for subject in ("e", f"{tmp_path}/net.onnx"):
        check = nb.run(f"%onnx_check {subject} --against model --data val_loader -q")
        assert check.parity.ok
        assert {2, 4} <= {case.sizes["batch"] for case in check.parity.cases}
    nb.run("model.weight.data.mul_(1.01);")
    assert "OM401" in {f.code for f in nb.run("%onnx_check e --against model --data val_loader -q").findings}


def test_the_report_names_module_cell_line_node_cure_and_the_line_itself(nb, capsys):
    cell = (
        "import torch\nimport torch.nn.functional as F\n"
        "class Block(torch.nn.Module):\n    def forward(self, x):\n        return F.dropout(x, 0.5)\n"
        "model = torch.nn.Sequential(torch.nn.Linear(4, 4), Block()).eval()"
    )
    number = nb.try_(cell).execution_count
    capsys.readouterr()
    check = nb.run("c = %onnx_check model(torch.randn(2, 4))\nc")
    (finding,) = [f for f in check.findings if f.code == "OM102"]
    where = finding.where
    assert (where.cell, where.line, where.source, where.module) == (number, 5, "return F.dropout(x, 0.5)", "1")
    assert [node.module for node in check.graph.nodes if node.name == where.node] == ["1"]
    shown = capsys.readouterr().out
    for said in (f"cell {number}, line 5", "return F.dropout(x, 0.5)", "training=self.training"):
        assert said in shown
