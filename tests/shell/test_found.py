"""%onnx_export MODEL: inputs by the names of forward's parameters, or from --like."""

from __future__ import annotations

import pytest

MODELS = """
import numpy as np
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = torch.nn.Linear(4, 2)

    def forward(self, x, mask=None, *rest, scale=None, labels=None, **more):
        return self.encoder(x)

class Two(torch.nn.Module):
    def forward(self, ids, /, attention_mask, *, position):
        return ids * attention_mask + position

class Optional(torch.nn.Module):
    def forward(self, input_ids=None, attention_mask=None):
        return input_ids

class Anything(torch.nn.Module):
    def forward(self, *args, **kwargs):
        return args[0]

model, two, optional, anything = Net(), Two(), Optional(), Anything()
"""


@pytest.fixture
def nb(nb):
    """A notebook with models, and no tensors."""
    nb.run(MODELS)
    return nb


def test_a_tensor_of_the_parameter_s_name_is_the_input(nb, asked):
    nb.run("x = torch.ones(1, 4)\nscale = 3\nnumber = torch.ones(2)")
    nb.run("e = %onnx_export model -o net.onnx")
    assert asked.model is nb["model"]
    assert (asked.args, asked.kwargs) == ((nb["x"],), {})
    assert asked.options["taken"] == ("`x` was taken from the notebook's variable `x`: float32[1, 4].",)
    assert (asked.options["name"], asked.options["output"], nb["e"]) == ("model", "net.onnx", "the export")


def test_all_that_are_there_are_taken_and_targets_are_not(nb, asked):
    nb.run("x, mask, scale, labels = torch.ones(1, 4), torch.ones(4) > 0, torch.ones(()), torch.ones(1)")
    nb.run("%onnx_export model")
    assert asked.args == (nb["x"], nb["mask"])
    assert asked.kwargs == {"scale": nb["scale"]}
    assert asked.options["taken"] == (
        "`x` was taken from the notebook's variable `x`: float32[1, 4].",
        "`mask` was taken from the notebook's variable `mask`: bool[4].",
        "`scale` was taken from the notebook's variable `scale`: float32[].",
        "The notebook's `labels` was left out: it is a target for the training.",
    )


def test_by_position_as_far_as_possible(nb, asked):
    nb.run("x, scale = torch.ones(1, 4), torch.ones(())\n%onnx_export model")
    assert (asked.args, asked.kwargs) == ((nb["x"],), {"scale": nb["scale"]})
    nb.run("ids, attention_mask, position = torch.ones(3).split(1)\n%onnx_export two")
    assert (asked.args, asked.kwargs) == ((nb["ids"], nb["attention_mask"]), {"position": nb["position"]})
    nb.run("%onnx_export optional")
    assert (asked.args, asked.kwargs) == ((), {"attention_mask": nb["attention_mask"]})


@pytest.mark.parametrize(("line", "parameter"), [("model.encoder", "input"), ("[model][0].encoder", "input")])
def test_a_part_of_a_model(nb, asked, line, parameter):
    nb.run(f"{parameter} = torch.ones(1, 4)\n%onnx_export {line}")
    assert asked.model is nb["model"].encoder
    assert asked.options["name"] == line


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_wrapper_is_looked_through(nb, asked):
    nb.run("x = torch.ones(1, 4)\ncompiled = torch.compile(model)\n%onnx_export compiled")
    assert asked.args == (nb["x"],)


def test_a_function_s_own_variables(nb, asked):
    nb.run("def go(x):\n    %onnx_export model\nx = torch.zeros(1, 4)\ngo(torch.ones(1, 4))")
    assert asked.args[0].sum() == 4


@pytest.mark.parametrize(
    ("notebook", "line", "message"),
    [
        (
            "",
            "model",
            "no tensor of that name. Write the call: %onnx_export model(...), or say where a batch comes from: --like",
        ),
        (
            "images = torch.ones(8, 4)",
            "model",
            "`x` could be `images` (float32[8, 4]). Write the call: %onnx_export model(images), or",
        ),
        ("x = np.ones((1, 4))", "model", "`x` is a numpy ndarray: x = torch.as_tensor(x) makes it one."),
        ("x = [1, 2]", "model", "`x` is of type list."),
        (
            "ids = torch.ones(3); attn_mask = torch.ones(1); odd = torch.ones(9)",
            "two",
            "`two` needs `attention_mask`, `position`, and the notebook has no tensor of that name. Found: `ids` (f",
        ),
        (
            "ids = torch.ones(3); attn_mask = torch.ones(1); odd = torch.ones(9)",
            "two",
            "`attention_mask` could be `attn_mask` (float32[1]). `position` could be `odd` (float32[9]) or `attn_mask`",
        ),
        (
            "ids = torch.ones(3); attn_mask = torch.ones(1); odd = torch.ones(9)",
            "two",
            "Write the call: %onnx_export two(ids, attn_mask, position=odd), or",
        ),
        (
            "a, x_val, X, b = (torch.ones(n) for n in range(4))",
            "model",
            "`x` could be `X` (float32[2]) or `x_val` (float32[1]).",
        ),
        (
            "",
            "optional",
            "`optional` takes `input_ids`, `attention_mask`, and the notebook has no tensor of these names.",
        ),
        ("", "anything", "forward of `anything` names no parameters, so none can be found. Write the call:"),
        (
            "loader = torch.utils.data.DataLoader([1])",
            "model",
            "or say where a batch comes from: --like loader.",
        ),
        ("", "modle", "There is no `modle`. Did you mean `model`?"),
        ("", "model.encodr", "There is no `model.encodr`. Did you mean `model.encoder`?"),
        ("", "Net", "`Net` is a class; call a model made from it: Net()(x)"),
    ],
)
def test_what_is_missing_what_was_found_and_what_could_be_meant(nb, asked, notebook, line, message):
    nb.run(notebook)
    assert message in nb.error(f"%onnx_export {line}")
    assert asked.exports == 0


# ------------------------------------------------------------------------------------------------------------ --like


@pytest.mark.parametrize("written", ["loader", "$loader", "[loader][0]", "'loader'"])
def test_like_is_evaluated_and_goes_to_the_export(nb, asked, written):
    nb.run(f"loader = [torch.ones(1, 4)]\n%onnx_export model --like {written}")
    assert asked.options["like"] is nb["loader"]
    assert (asked.args, asked.kwargs, asked.options["name"]) == ((), {}, "model")
    assert "taken" not in asked.options


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "model(x) --like loader",
            "--like gives the inputs, and the call has its own: write %onnx_export model --like",
        ),
        ("model --like loadr", "There is no `loadr`. Did you mean `loader`?"),
        ("model --like 1+", "--like 1+ is no Python"),
        ("--like loader", "Write the call to export"),
        ("model --keep 3", "--keep says how much of recorded calls is kept, and only %%onnx_export MODEL records"),
        ("model(x) --budget 1GB", "--budget says how much of recorded calls is kept"),
        ("model(x) --samples 8", "--samples says how much of --data is taken, and there is none"),
        ("model(x) --executor x", "--executor says who runs --data, and there is none"),
        ("model(x) --no-prove --data loader", "--data is for the proof, which --no-prove leaves out"),
    ],
)
def test_options_that_do_not_belong_together(nb, asked, line, message):
    nb.run("loader, x = [torch.ones(1, 4)], torch.ones(1, 4)")
    assert message in nb.error(f"%onnx_export {line}")
    assert asked.exports == 0


def test_data_samples_and_executor(nb, asked):
    nb.run("loader, x, made = [torch.ones(1, 4)], torch.ones(1, 4), []\ndef pool(): made.append(1); return 'pool'")
    nb.run("%onnx_export model(x) --data loader --samples all --executor pool()")
    assert asked.options["data"] is nb["loader"]
    assert (asked.options["samples"], asked.options["executor"]) == ("all", "pool")
    assert nb["made"] == [1]
    nb.run("%onnx_export model --data loader")
    assert asked.options["samples"] == 1000


def test_an_error_in_the_user_s_expression_is_the_user_s(nb, asked, capsys):
    nb.run("x = torch.ones(1, 4)")
    capsys.readouterr()
    assert type(nb.try_("y = 1\n%onnx_export model --like 1 / 0").error_in_exec).__name__ == "UsageError"
    assert type(nb.try_("y = 1\n%onnx_export model --like (1 / 0)").error_in_exec) is ZeroDivisionError
    shown = capsys.readouterr().out
    assert "line 2" in shown
    assert "onnxmagic/" not in shown
