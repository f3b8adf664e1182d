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
