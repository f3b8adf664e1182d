"""A mistake in a call of a function shows the user's own line and the message, and none of our files."""

from __future__ import annotations

import re

import pytest

CELLS = {
    "export": ("import onnxmagic\n\nonnxmagic.export(3, x)", 3, "of type int, not a torch.nn.Module"),
    "check": ("import onnxmagic\nonnxmagic.check('nowhere.onnx')", 2, "There is no file nowhere.onnx"),
    "show": ("import onnxmagic\nonnxmagic.show(model, (x,), opened='nowhere')", 2, "no module"),
    "selected": ("e\ne.selected = 'nowhere'", 2, "There is no"),
    "value": ("def ask():\n    return e.value('nowhere')\n\nask()", 2, "There is no value `nowhere`"),
}
SOUND = """import torch, onnxmagic
model, x = torch.nn.Linear(4, 2), torch.zeros(1, 4)
e = onnxmagic.export(model, (x,), prove=False);
"""


def shown(nb, cell, capsys):
    """What the notebook prints for a cell that fails, colours taken out."""
    capsys.readouterr()
    assert nb.try_(cell).error_in_exec is not None
    out, err = capsys.readouterr()
    return re.sub(r"\x1b\[[\d;]*m", "", out + err)


@pytest.mark.parametrize("name", list(CELLS))
def test_the_users_line_and_the_message_and_no_file_of_ours(nb, capsys, name):
    nb.run(SOUND)
    cell, line, message = CELLS[name]
    text = shown(nb, cell, capsys)
    assert message in text
    assert f"----> {line}" in re.sub(r"-+> ", "----> ", text)
    assert "onnxmagic/" not in text
    assert "site-packages" not in text


def test_every_line_of_the_user_on_the_way_is_shown(nb, capsys):
    nb.run(SOUND)
    text = shown(nb, "def ask():\n    return e.value('nowhere')\n\nask()", capsys)
    assert "ask()" in text
    assert "return e.value('nowhere')" in text
    assert text.rstrip().splitlines()[-1].startswith("UsageMistake: There is no value")


def test_a_value_that_cannot_be_had_is_said_in_the_same_way(nb, capsys, tmp_path):
    nb.run(SOUND)
    nb.shell.user_ns["path"] = str(tmp_path / "net.onnx")
    nb.run("wide = torch.nn.Sequential(torch.nn.Linear(4, 4096), torch.nn.ReLU())")
    nb.run("e = onnxmagic.export(wide, (x,), output=path, external_data=True, prove=False);")
    (tmp_path / "net.onnx.data").unlink()
    text = shown(nb, "s = onnxmagic.show(path)\ns.value(s.graph.outputs[0].name)", capsys)
    assert "ValueUnavailable: " in text
    assert "onnxmagic/" not in text


def test_the_mistake_itself_keeps_its_whole_stack(nb):
    error = nb.try_("import onnxmagic\nonnxmagic.check('nowhere.onnx')").error_in_exec
    names = []
    stack = error.__traceback__
    while stack:
        names.append(stack.tb_frame.f_code.co_filename)
        stack = stack.tb_next
    assert any("onnxmagic/" in name for name in names)
