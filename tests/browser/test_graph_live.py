"""The graph in a real JupyterLab: what is clicked is in Python, what Python chooses is seen, what it knows is told.

Its keys are its own: a letter that reaches the notebook inserts, deletes or changes cells.
"""

from __future__ import annotations

import json
import re

CELLS = (
    """
%load_ext onnxmagic
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.fc = nn.Linear(288, 5)
    def forward(self, x):
        return self.fc(self.conv(x).relu().flatten(1))
net, x = Net(), torch.randn(1, 3, 8, 8)
""",
    "e = %onnx_export net(x) -o net.onnx\ne",
)
CHAIN = """
%load_ext onnxmagic
import onnx.parser
onnx.save(onnx.parser.parse_model('''
<ir_version: 10, opset_import: ["" : 20]>
chain (float[N, 4] x) => (float[N, 4] y) { a = Tanh(x) b = Relu(a) y = Sigmoid(b) }'''), "chain.onnx")
%onnx_check chain.onnx
"""
SELECTED = "[role=treeitem][aria-selected=true]"
CONTENT = "[...window.jupyterapp.shell.widgets('main')].find(w => w.sessionContext).content"
NOTEBOOK = f"""() => {{
    const content = {CONTENT};
    const cells = content.widgets.map(({{ model }}) => [model.type, model.sharedModel.getSource()]);
    return {{ active: content.activeCellIndex, mode: content.mode, cells }};
}}"""
FOCUSED = """() => {
    let at = document.activeElement;
    while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    return at.getAttribute('aria-label') ?? '';
}"""


def test_the_graph_and_python_tell_each_other(lab):
    lab.open(lab.write("graph.ipynb", *CELLS)).run_all()
    widget = lab.page.locator("[data-om-widget]")
    widget.get_by_role("tree").wait_for()
    # The static copy is hidden and draws nothing.
    assert lab.page.get_by_role("tree").filter(visible=True).count() == 1

    widget.get_by_role("treeitem").filter(has_text="Relu").first.click()
    widget.locator(".om-chosen", has_text="is now .selected").wait_for()
    assert lab.ask("print(e.selected.op_type, e.selected.where.cell, e.selected.where.source)") == (
        "Relu 1 return self.fc(self.conv(x).relu().flatten(1))"
    )
    assert "cell 1, line 10" in widget.get_by_label("What is selected").text_content()

    assert lab.ask("e.selected = next(n for n in e.graph.nodes if n.op_type == 'Gemm')") == ""
    widget.locator(SELECTED).filter(has_text="Gemm").wait_for()
    assert "is now .selected" in widget.locator(".om-chosen").text_content()

    panel = widget.get_by_label("What is selected")
    panel.get_by_role("button", name="Statistics").first.click()
    panel.get_by_text("range").first.wait_for()
    panel.get_by_role("button", name="Values here").first.click()
    panel.get_by_text("range").nth(1).wait_for()
    assert lab.our_errors == []

    saved = json.dumps(lab.save())
    (payload,) = set(re.findall(r'data-payload=\\\\?"([A-Za-z0-9+/=]+)', saved))
    assert saved.count(payload) == 1


def test_keys_in_the_graph_are_not_the_notebooks(lab):
    lab.open(lab.write("keys.ipynb", "0 + 0", CHAIN, "1 + 1")).run_all()
    page, widget = lab.page, lab.page.locator("[data-om-widget]")
    widget.get_by_role("treeitem").filter(has_text="Relu").first.click()
    before = page.evaluate(NOTEBOOK)
    assert page.evaluate(FOCUSED).startswith("Relu")

    for key, there in (("ArrowUp", "Tanh"), ("ArrowDown", "Relu"), ("ArrowUp", "Tanh")):
        page.keyboard.press(key)
        widget.locator(SELECTED).filter(has_text=there).wait_for()
        assert page.evaluate(FOCUSED).startswith(there)
    # To the notebook these insert, delete, cut, paste, change, undo, run and select cells.
    for key in ("a", "b", "d", "d", "x", "v", "m", "y", "z", "j", "k", "f", "0", "0", "Home", "End", "Shift+Enter"):
        page.keyboard.press(key)
    assert page.evaluate(NOTEBOOK) == before

    page.keyboard.press("/")
    page.keyboard.type("add b xym")
    page.keyboard.press("Enter")
    assert widget.get_by_label("Search operators, names").input_value() == "add b xym"
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    assert page.evaluate(FOCUSED) != ""
    assert page.evaluate(NOTEBOOK) == before

    # But who presses Ctrl+S in the graph means the notebook.
    page.evaluate(f"{CONTENT}.model.sharedModel.setMetadata('touched', 1)")
    page.wait_for_function(f"{CONTENT}.model.dirty")
    page.keyboard.press("ControlOrMeta+s")
    page.wait_for_function(f"!{CONTENT}.model.dirty")
    assert lab.our_errors == []
