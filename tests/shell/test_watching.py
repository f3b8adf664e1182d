"""%%onnx_export MODEL: the cell is as it would be without the first line, and its calls are what is exported."""

from __future__ import annotations

import re

import pytest

from onnxmagic.errors import CaptureFailed, UsageMistake

MODELS = """
import copy
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = torch.nn.Linear(4, 2)

    def forward(self, x, mask=None):
        return self.encoder(x) if mask is None else self.encoder(x) * mask

class Pipe:
    def __init__(self, unet):
        self.unet = unet

    def __call__(self, x):
        return self.unet(x) + self.unet(x[:1])

model, other = Net(), Net()
pipe = Pipe(Net())
models = {"a": model}
blocks = torch.nn.ModuleList([Net(), Net()])
x = torch.ones(3, 4)
"""


@pytest.fixture
def nb(nb):
    """A notebook with models that run."""
    nb.run(MODELS)
    return nb


def calls_of(asked):
    return asked.options["calls"].calls


def test_every_call_of_the_cell_is_recorded(nb, asked):
    nb.run("%%onnx_export model -o net.onnx --as e\nfor rows in (1, 2, 3):\n    y = model(x[:rows])\nafter = y")
    assert asked.model is nb["model"]
    assert (asked.args, asked.kwargs) == ((), {})
    assert [tuple(call.args[0].shape) for call in calls_of(asked)] == [(1, 4), (2, 4), (3, 4)]
    assert (asked.options["output"], asked.options["name"]) == ("net.onnx", "model")
    assert asked.shown == [("the export", "auto")]
    assert nb["e"] == "the export"
    assert nb["after"] is nb["y"]


@pytest.mark.parametrize(
    ("written", "cell", "count"),
    [
        ("pipe.unet", "pipe(x)", 2),
        ("model.encoder", "model(x)", 1),
        ('models["a"]', "model(x)", 1),
        ("models['a'].encoder", "model(x)", 1),
        ("blocks[1]", "blocks[0](x); blocks[1](x)", 1),
        ("[model, other][1]", "model(x); other(x); other(x)", 2),
        ("models.get('a')", "model(x)", 1),
        ("(other if False else model)", "model(x); other(x)", 1),
        ("model.forward", "model(x)", 1),
    ],
)
def test_any_expression_names_the_model(nb, asked, written, cell, count):
    nb.run(f"%%onnx_export {written}\n{cell}")
    assert len(calls_of(asked)) == count


def test_a_name_is_short_in_the_report(nb, asked):
    nb.run("%%onnx_export pipe.unet\npipe(x)")
    assert asked.options["name"] == "pipe.unet"
    nb.run(f"%%onnx_export (model if {'x is not None and ' * 5} True else None)\nmodel(x)")
    assert asked.options["name"] is None


def test_the_module_is_the_one_before_the_cell(nb, asked):
    before = nb["model"]
    nb.run("%%onnx_export model\nmodel(x)\nmodel = other\nmodel(x)")
    assert asked.model is before
    assert len(calls_of(asked)) == 1
    assert nb["model"] is nb["other"]


# -------------------------------------------------------------------------------- the cell is as without the first line

CELLS = [
    "model(x).shape",
    "model(x).shape;",
    "model(x).shape ;  # é;",
    "y = model(x)\n'é'; y.shape",
    "y = model(x)",
    "y = model(x)\ny += 1",
    "y: int = model(x).shape[0]",
    "model(x)\nNone",
    "for _ in range(2):\n    model(x).shape",
    "print(1)\nmodel(x).shape\nprint(2)\nmodel(x).dtype",
    "model(x)\n_ = 3\n_",
    "model(x)\n%pwd",
    "model(x)\nhere = !echo hello\nhere",
    "%%time\nmodel(x)\nprint('timed')",
    "model(x)\ndef f(): return 5\nf()",
    "from __future__ import annotations\ndef f(a: nothing): return model(x).dtype\nf(1)",
    "model(x)\nclass A:\n    pass\nlen(_ih[-1].split()) > 0",
]


def outcome(nb, cell, capsys):
    """Return all that a cell leaves: what is printed, its value, the history of values."""
    capsys.readouterr()
    number = nb.shell.execution_count
    result = nb.try_(cell)
    shown = re.sub(r"(Wall time|CPU times|total).*", "", capsys.readouterr().out)
    hidden = nb.shell.user_ns
    return {
        "out": shown.replace(f"[{number}]", "[n]"),
        "value": repr(result.result),
        "kept": repr(hidden["Out"].get(number)),
        "underscores": repr([hidden.get("_"), hidden.get(f"_{number}")]),
        "error": repr(result.error_in_exec),
    }


@pytest.mark.parametrize("interactivity", ["last_expr", "all", "last", "none", "last_expr_or_assign"])
@pytest.mark.parametrize("cell", CELLS)
def test_what_a_cell_shows_and_keeps_is_the_same(nb, asked, cell, interactivity, capsys):
    nb.shell.ast_node_interactivity = interactivity
    nb.run("'earlier'")
    plain = outcome(nb, cell, capsys)
    nb.run("'earlier'")
    assert outcome(nb, f"%%onnx_export model\n{cell}", capsys) == plain
    assert asked.exports == 1


def test_the_value_of_the_cell_is_its_own_and_the_report_comes_after(nb, asked, capsys, monkeypatch):
    monkeypatch.setattr("onnxmagic.view.show", lambda result, how, replace=None: print("the report"))
    capsys.readouterr()
    result = nb.try_("%%onnx_export model\nprint('first')\nmodel(x).shape")
    shape = "torch.Size([3, 2])"
    assert capsys.readouterr().out == f"first\nOut[{result.execution_count}]: {shape}\nthe report\n"
    assert repr(result.result) == repr(nb["_"]) == repr(nb["Out"][result.execution_count]) == shape


def test_the_result_goes_to_a_program_that_asks_for_it(nb, asked):
    nb.run("e = get_ipython().run_cell_magic('onnx_export', 'model', 'model(x)')")
    assert nb["e"] == "the export"
    assert nb.shell.run_cell_magic("onnx_export", "model", "model(x)") == "the export"


@pytest.mark.parametrize("line", ["model --as e -q", "--as e model;", "model --as e -o net.onnx --quiet;"])
def test_silence_is_about_the_report(nb, asked, line, capsys):
    capsys.readouterr()
    result = nb.try_(f"%%onnx_export {line}\nmodel(x).shape")
    shape = "torch.Size([3, 2])"
    assert capsys.readouterr().out == f"Out[{result.execution_count}]: {shape}\n"
    assert repr(result.result) == shape
    assert (asked.shown, nb["e"]) == ([], "the export")


def test_a_semicolon_in_the_cell_silences_the_cell_alone(nb, asked, capsys):
    capsys.readouterr()
    assert nb.run("%%onnx_export model\nmodel(x);") is None
    assert capsys.readouterr().out == ""
    assert asked.shown == [("the export", "auto")]


def test_the_recorder_is_gone_afterwards(nb, asked):
    before = set(vars(nb["model"]))
    nb.run("%%onnx_export model\nmodel(x)")
    nb.run("model(x)")
    assert set(vars(nb["model"])) == before
    assert len(calls_of(asked)) == 1


# --------------------------------------------------------------------------------------------------- errors in the cell


@pytest.mark.parametrize(
    ("cell", "line"),
    [
        ("model(x)\nq = 5\nq / 0\nmodel(x)", 4),
        ("\n\nmodel(x)\nmodel(\n    x,\n    1 / 0)", 7),
        ("%pwd\nq = 1 / 0", 3),
        ("model(x)\n1 / 0", 3),
    ],
)
def test_an_error_is_the_cell_s_own(nb, asked, capsys, cell, line):
    capsys.readouterr()
    result = nb.try_(f"%%onnx_export model --as e\n{cell}")
    shown = capsys.readouterr().out
    assert type(result.error_in_exec) is ZeroDivisionError
    assert re.search(rf"In\[{result.execution_count}\], line {line}\n", shown)
    assert "onnxmagic/" not in shown
    assert (asked.exports, asked.shown) == (0, [])
    assert "e" not in nb.shell.user_ns


def test_after_an_error_nothing_is_left_on_the_model(nb, asked):
    before = set(vars(nb["model"]))
    nb.try_("%%onnx_export model\nq = 5\nmodel(x)\nq / 0")
    assert nb["q"] == 5
    assert set(vars(nb["model"])) == before
    nb.run("%%onnx_export model\nmodel(x)")
    assert len(calls_of(asked)) == 1


def test_an_error_in_the_model_is_the_model_s(nb, asked, capsys):
    capsys.readouterr()
    result = nb.try_("%%onnx_export model\n\nmodel(torch.ones(3, 5))")
    shown = capsys.readouterr().out
    assert type(result.error_in_exec) is RuntimeError
    assert re.search(rf"In\[{result.execution_count}\], line 3\n", shown)
    assert "self.encoder(x) if mask is None" in shown
    assert "onnxmagic/" not in shown
    assert asked.exports == 0


@pytest.mark.filterwarnings("ignore:To exit")  # IPython's own
@pytest.mark.parametrize("error", ["KeyboardInterrupt", "SystemExit"])
def test_a_cell_that_is_ended_exports_nothing(nb, asked, error, capsys):
    before = set(vars(nb["model"]))
    result = nb.try_(f"%%onnx_export model\nmodel(x)\nraise {error}")
    assert type(result.error_in_exec).__name__ == error
    assert "onnxmagic/" not in capsys.readouterr().out
    assert asked.exports == 0
    assert set(vars(nb["model"])) == before


def test_a_failed_export_leaves_the_cell_s_value(nb, asked):
    asked.error = CaptureFailed("no such operator")
    result = nb.try_("%%onnx_export model\nkept = model(x)\n17")
    assert result.error_in_exec is asked.error
    assert nb["_"] == 17
    assert "kept" in nb.shell.user_ns


def test_misuse_found_by_the_export_is_a_usage_error(nb, asked):
    asked.error = UsageMistake("Calls on two devices.")
    assert nb.error("%%onnx_export model\nmodel(x)") == "Calls on two devices."


# -------------------------------------------------------------------------------------------------- what is said before


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "modle",
            "Did you mean `model`? It must be there before the cell runs: make it in a cell above.",
        ),
        ("qqqq.encoder", "There is no `qqqq`. The models here are `model`, `other`, `blocks`."),
        ("fresh", "`fresh` is made in this cell, and must be there before it runs"),
        ("pipe.unett", "There is no `pipe.unett`. Did you mean `pipe.unet`?"),
        ("pipe.vae", "There is no `pipe.vae`: AttributeError: 'Pipe' object has no attribute 'vae'."),
        ("model.decoder", "There is no `model.decoder`. Did you mean `model.encoder`?"),
        ("models['b']", "There is no `models['b']`. Did you mean `models['a']`?"),
        ("blocks[7]", "There is no `blocks[7]`. Did you mean `blocks[1]`?"),
        ("Net", "`Net` is a class; name a model that was made from it, for example model."),
        ("Pipe", "`Pipe` is no torch.nn.Module but of type type."),
        ("pipe", "`pipe` is no torch.nn.Module but of type Pipe. The models in `pipe` are `pipe.unet`."),
        ("models", "`models` is no torch.nn.Module but of type dict. The models in `models` are `models['a']`."),
        ("x", "`x` is no torch.nn.Module but of type Tensor. The models here are `model`, `other`, `blocks`."),
        (
            "model(x)",
            "`model(x)` is a call. Write %%onnx_export model to export the calls of `model` that the cell makes",
        ),
        ("model net.onnx", "`net.onnx` is neither part of `model` nor an option. A file is named with -o: -o net.onnx"),
        ("model +", "`model +` is no Python"),
        ("model --like [x]", "--like gives the inputs, and so do the cell's calls: leave --like out."),
        ("model --samples 8", "--samples says how much of --data is taken, and there is none"),
        ("model --executor pool", "--executor says who runs --data, and there is none"),
        ("model --no-prove --data [x]", "--data is for the proof, which --no-prove leaves out"),
        ("model --keep 0", "--keep takes a whole number from 1, for example 16, not '0'."),
        ("model --budget lots", "--budget takes a size of memory, for example 500MB or 2GB, not 'lots'."),
        ("model --data loadr", "There is no `loadr`."),
        ("model --executor poool --data [x]", "There is no `poool`."),
        ("model --data 1+", "--data 1+ is no Python"),
        ("model --opset 99", "opset 99 does not exist"),
        ("--keep 3", "--keep says how much of recorded calls is kept, and only %%onnx_export MODEL records"),
    ],
)
def test_a_line_that_is_wrong_runs_nothing(nb, asked, line, message):
    nb.run("del copy")
    assert message in nb.error(f"%%onnx_export {line}\nran = 1\nfresh = Net()\nmodel(x)")
    assert "ran" not in nb.shell.user_ns
    assert asked.exports == 0


def test_the_user_s_own_error_in_the_name_is_passed_on(nb, asked):
    nb.run("def choose(): raise KeyError('no such choice')")
    assert type(nb.try_("%%onnx_export choose()\nran = 1").error_in_exec) is KeyError
    assert "ran" not in nb.shell.user_ns


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("x", "No call of `model` happened in the cell; what is recorded are calls like model(x)."),
        ("# nothing", "No call of `model` happened in the cell"),
        ("other(x)", "are not its calls: name the model that the cell calls."),
        ("copy.deepcopy(model)(x)", "Calls of a copy of it"),
        ("model = Net()\nmodel(x)", "The cell made `model` anew: make it in a cell above."),
        (
            "try:\n    model(3)\nexcept Exception: pass",
            "No call of `model` in the cell returned: its only call raised an error.",
        ),
        (
            "for _ in range(2):\n    try: model(3)\n    except Exception: pass",
            "No call of `model` in the cell returned: all 2 calls raised an error.",
        ),
        ("model.forward(x)", "or of `model.forward` by itself are not its calls"),
    ],
)
def test_no_call_happened(nb, asked, cell, message):
    assert message in nb.error(f"%%onnx_export model\n{cell}")
    assert asked.exports == 0


# -------------------------------------------------------------------------------------------------------------- options


def test_how_much_is_kept(nb, asked):
    loop = "for n in (1, 2, 3):\n    model(x[:n])"
    nb.run(f"%%onnx_export model --keep 2\n{loop}")
    assert len(asked.options["calls"].kept) == 2
    nb.run("%config OnnxMagic.keep = 1")
    nb.run(f"%%onnx_export model\n{loop}")
    assert len(asked.options["calls"].kept) == 1
    nb.run(f"%%onnx_export model --keep 3\n{loop}")
    assert len(asked.options["calls"].kept) == 3


def test_how_much_memory_they_take(nb, asked):
    nb.run("%config OnnxMagic.budget = '60'")
    loop = "for n in (1, 1, 1):\n    model(x[:n])"
    nb.run(f"%%onnx_export model\n{loop}")
    assert len(asked.options["calls"].kept) < 3
    nb.run(f"%%onnx_export model --budget 1MB\n{loop}")
    assert len(asked.options["calls"].kept) == 3


def test_the_other_options_hold_here_too(nb, asked):
    nb.run("%config OnnxMagic.opset = 18")
    nb.run("%%onnx_export --static model --fail-on error --show text\nmodel(x)")
    assert (asked.options["opset"], asked.options["static"], asked.options["fail_on"]) == (18, True, "error")
    assert asked.shown == [("the export", "text")]


def test_the_data_may_come_from_the_cell(nb, asked):
    nb.run(
        "%%onnx_export model --data loader --samples all --executor pool(1)\n"
        "loader = [x]\ndef pool(n): return n\nmodel(x)"
    )
    assert asked.options["data"] is nb["loader"]
    assert (asked.options["samples"], asked.options["executor"]) == ("all", 1)


@pytest.mark.parametrize("cell", ["%run -h\nmodel(x)", "exec('late = [x]')\nmodel(x)", "from math import *\nmodel(x)"])
def test_where_a_cell_may_make_any_name_none_is_refused_before(nb, asked, cell):
    nb.try_(f"%%onnx_export model --data late\nran = 1\n{cell}")
    assert nb["ran"] == 1


def test_a_wrong_name_for_data_in_the_older_form_runs_nothing(nb, asked):
    assert "There is no `loadr`" in nb.error("%%onnx_export --data loadr\nran = 1\nmodel(x)")
    assert "ran" not in nb.shell.user_ns


def test_cells_have_numbers(nb, asked):
    result = nb.try_("%%onnx_export model\ndef helper(): pass\nmodel(x)")
    assert asked.options["cells"](nb["helper"].__code__.co_filename) == result.execution_count
