"""What a call is turned into, and what is said when it is none."""

from __future__ import annotations

import re

import pytest


def test_the_call_is_captured_and_not_made(models, asked):
    models.run("%onnx_export model(x, mask=[x, None])")
    assert asked.model is models["model"]
    assert asked.args == (models["x"],)
    assert asked.kwargs == {"mask": [models["x"], None]}


@pytest.mark.parametrize(
    ("call", "name", "grabbed"),
    [
        ("model(1, -1)", "model", ((1, -1), {})),
        ("model()", "model", ((), {})),
        ("model(*batch, **kw)", "model", ((1, 2), {"mask": 3})),
        ("model(*batch[:1], 5, **kw, flag=True)", "model", ((1, 5), {"mask": 3, "flag": True})),
        ("net.deep.encoder(1)", "net.deep.encoder", ((1,), {})),
        ("models['a'](1)", "models['a']", ((1,), {})),
        ("(model)(1)", "model", ((1,), {})),
        ("model (1, 2)", "model", ((1, 2), {})),
        ("Net()(1)", "Net()", ((1,), {})),
        ("build(scale=2)(1)", "build(scale=2)", ((1,), {})),
        ("model.forward(1)", "model", ((1,), {})),
        ("model.__call__(1)", "model", ((1,), {})),
        ("(model if kw else None)(1)", "model if kw else None", ((1,), {})),
        ("model([b + c for b in batch for c in batch])", "model", (([2, 3, 3, 4],), {})),
        ("model((lambda b: [b, batch])(7))", "model", (([7, [1, 2]],), {})),
        ("model({'a b': f'{batch[0]} $x'})", "model", (({"a b": "1 $x"},), {})),
        ("model(y := 4, y + 1)", "model", ((4, 5), {})),
        ("torch.nn.DataParallel(model)(1)", "torch.nn.DataParallel(model)", ((1,), {})),
    ],
)
def test_every_form_of_call(models, asked, call, name, grabbed):
    models.run(
        "batch, kw, models = [1, 2], {'mask': 3}, {'a': model}\n"
        "net = torch.nn.Module(); net.deep = model\n"
        "def build(scale): return model"
    )
    before = dict(models.shell.user_ns)
    models.run(f"%onnx_export {call};")
    assert (asked.args, asked.kwargs) == grabbed
    assert asked.options["name"] == name
    assert changed(before, models) == set()


def changed(before, models):
    """Return the names that appeared, went or changed, the shell's own records of cells left out."""
    after = models.shell.user_ns
    names = {n for n in before.keys() | after.keys() if before.get(n) is not after.get(n)}
    return {n for n in names if not re.fullmatch(r"_i*\d*|_+", n)}


def test_a_long_expression_is_no_name(models, asked):
    models.run(f"%onnx_export (model if {'x is not None and ' * 5} True else None)(x)")
    assert asked.options["name"] is None


def test_python_s_order_of_evaluation(models, asked):
    models.run("order = []\ndef note(what): order.append(what); return model if what == 'model' else what")
    models.run("%onnx_export note('model')(note(1), *[note(2)], mask=note(3), **{'flag': note(4)})")
    assert models["order"] == ["model", 1, 2, 3, 4]


def test_a_function_s_locals_are_seen(models, asked):
    models.run("def go(inner):\n    batch = [inner]\n    %onnx_export model(*batch, [batch for _ in range(1)])\ngo(5)")
    assert asked.args == (5, [[5]])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch.compile imports the deprecated torch.jit
def test_compiled_models_are_models(models, asked):
    models.run("%onnx_export torch.compile(model)(x)")
    assert asked.exports == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "Write the call to export, as you would run it: %onnx_export model(x). --help says more."),
        ("modle(x)", "There is no `modle`. Did you mean `model`?"),
        ("modle", "There is no `modle`. Did you mean `model`?"),
        ("qqqq(x)", "There is no `qqqq`. The models here are `model`."),
        ("Net(x)", "`Net` is a class; call a model made from it: Net()(x), or call the one you have: model(x)."),
        ("function(x)", "`function` is a function, and only a torch.nn.Module is exported."),
        ("int(x)", "`int` is a class, and only a torch.nn.Module is exported."),
        ("model.encode(x)", "`model.encode` is a method, and only a model's forward is exported."),
        ("model.state_dict()", "`model.state_dict` is a method"),
        ("weights(x)", "`weights` is of type OrderedDict, like a state_dict: weights without the code that uses them."),
        ("weights", "model.load_state_dict(weights)"),
        ("models(x)", "`models` is a dict of models; call one of them: models['a'](x)."),
        ("trainer(x)", "`trainer` is no torch.nn.Module but of type Trainer. It holds one: trainer.model(x)"),
        ("3", "`3` is no call."),
        ("None(x)", "`None` is no torch.nn.Module but of type NoneType."),
        ("print(model(x).shape)", "`print` is no torch.nn.Module. Write the model's call alone: model(x)"),
        ("model(x)[0]", "`model(x)[0]` is no call. Write the call alone: model(x)"),
        ("model(x) + 1", "Write the call alone: model(x)"),
        ("await model(x)", "`await` cannot be exported"),
        ("y = model(x)", "Write the call alone: `model(x)`. To keep the result: e = %onnx_export model(x)"),
        (
            "model(x) net.onnx",
            "`net.onnx` is neither part of the call nor an option. A file is named with -o: -o net.onnx",
        ),
        ("model(x,, 1)", "`model(x,, 1)` is no Python: invalid syntax."),
        ("model(x", "a `)` is missing"),
    ],
)
def test_what_is_said_instead(models, asked, line, message):
    models.run(
        "def function(x): return x\n"
        "class Trainer:\n    def __init__(self): self.model = model\n"
        "trainer, weights, models = Trainer(), model.state_dict(), {'a': model}"
    )
    assert message in models.error(f"%onnx_export {line}")
    assert asked.exports == 0


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_other_exporters_made_is_no_model(models, asked):
    models.run(
        "program = torch.export.export(torch.nn.Linear(4, 2), (x,))\nscripted = torch.jit.trace(torch.nn.ReLU(), x)"
    )
    assert "export its module: program.module()(x)" in models.error("%onnx_export program(x)")
    assert "export the torch.nn.Module that it was made from" in models.error("%onnx_export scripted")


def test_without_torch_there_is_no_model(nb, asked):
    nb.run("model, x = len, 1")
    assert "`model` is a function" in nb.error("%onnx_export model(x)")


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("model(1 / 0)", ZeroDivisionError("division by zero")),
        ("model(missing)", NameError("name 'missing' is not defined")),
        ("model(*5)", TypeError("model() argument after * must be an iterable, not int")),
        ("model(mask=1, **{'mask': 2})", TypeError("model() got multiple values for keyword argument 'mask'")),
        ("fail()(x)", KeyError("in fail")),
        ("fail_by_name()(x)", NameError("name 'fail_' is not defined")),
    ],
)
def test_the_user_s_own_error_at_the_user_s_own_line(models, asked, capsys, call, error):
    models.run("def fail():\n    raise KeyError('in fail')\ndef fail_by_name():\n    fail_")
    before = dict(models.shell.user_ns)
    capsys.readouterr()
    raised = models.try_(f"a = 1\n\n%onnx_export {call}").error_in_exec
    shown = capsys.readouterr().out
    assert (type(raised), str(raised)) == (type(error), str(error))
    assert re.search(r"In\[\d+\], line 3\n", shown)
    assert "onnxmagic" not in shown
    assert "interactiveshell" not in shown
    assert changed(before, models) == {"a"}
    assert asked.exports == 0


@pytest.mark.parametrize("call", ["model(await x)", "model((yield))", "model([y async for y in x])"])
def test_what_python_cannot_evaluate_there(models, asked, call):
    assert "cannot be evaluated" in models.error(f"%onnx_export {call}")
