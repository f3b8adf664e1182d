"""What ``%onnx_export?`` and its siblings print: written to be read, with the options from their tables."""

from __future__ import annotations

from onnxmagic.options import CHECK_OPTIONS, DIFF_OPTIONS, EXPORT_OPTIONS, SHOW_OPTIONS, help_of

__all__ = ["CHECK_HELP", "DIFF_HELP", "EXPORT_HELP", "SHOW_HELP"]

EXPORT_HELP = f"""Export a PyTorch model to ONNX, run the file against PyTorch, and show what is in it.

    %onnx_export CALL [options]         CALL is what you would run: model(x, mask=m), net.encoder(*batch), Net()(x)
    %onnx_export MODEL [options]        inputs are the notebook's tensors that are called as forward's parameters, or
                                        one batch of --like
    %%onnx_export [options]             the cell runs as it is; its last line is the CALL
    %%onnx_export MODEL [options]       the cell runs as it is; every call of MODEL in it is an example

A CALL's arguments are evaluated, the call is not made. The model, the variables and the files are afterwards as before,
but for the file you name, which is replaced whole or not touched. Unless told otherwise the model is exported in eval
mode, its batch axis is made dynamic where the model allows it, and the file is run at several batch sizes and compared.

MODEL is a model that you have made in a cell above: model, pipe.unet, models["a"]. With %% the cell below does what it
would do without the first line: it shows, keeps and raises the same. An axis that differed between the calls becomes
dynamic, and each call is run again in the file and compared with what came out in the notebook. Where the cell fails
nothing is exported. Without %% only tensors of the very names are taken, and the report says which.

Examples

    %onnx_export model(x)
    %onnx_export model(x) -o net.onnx --dynamic x:2=height --dynamic x:3=width
    %onnx_export model(x) -o net.onnx --target onnxruntime==1.17 --fix
    %onnx_export model -o net.onnx --like train_loader --data val_loader --samples all
    e = %onnx_export model(x, mask=mask) -o "runs/{{run}}.onnx" --fail-on error;

    %%onnx_export -o net.onnx --as e
    x = torch.randn(1, 3, 224, 224)
    model(x)

    %%onnx_export llm -o decoder.onnx --keep 8
    llm.generate(ids, max_new_tokens=4)

Options: $name and {{expression}} in a value are expanded; the call is left as it is. EXPR is Python, evaluated once,
below a cell after it has run

{help_of(EXPORT_OPTIONS)}

The result has .ok, .path, .findings, .graph, .parity, .axes and .save(path); with --data .parity.sweep holds the errors
of all samples and .parity.worst the worst one. `%config OnnxMagic` lists the settings that hold for every export and
check. Below a cell %%onnx_export MODEL leaves the cell's value to the cell: --as NAME keeps the result.
"""
CHECK_HELP = f"""Look for mistakes in a model before it is exported, or in a .onnx file from anywhere.

    %onnx_check CALL [options]          CALL is what you would run: model(x, mask=m); the model is exported into a
                                        temporary folder, run and compared
    %onnx_check FILE [options]          net.onnx, "my models/net.onnx"; torch is not needed
    %onnx_check NAME [options]          a variable that holds an export, a path, bytes or a ModelProto
    %onnx_check --explain CODE          what a rule finds, why it hurts and how to mend it

Nothing is changed: neither the model nor the file. A file runs in a process of its own; what was not tried is said.
A word in quotes, one that ends in .onnx and one that names a file is a path, unless it is a call or a variable's name;
so `net.onnx` is a file even where there is a variable `net`. In brackets it is Python: (net.onnx).

Examples

    %onnx_check model(x)
    %onnx_check net.onnx --target onnxruntime==1.17 --target openvino,tensorrt
    %onnx_check net.onnx --against model --data val_loader --samples 2000
    %onnx_check net.onnx --fix -o fixed.onnx
    %onnx_check net.onnx --select OM2,OM4 --ignore unused-input
    c = %onnx_check e --fail-on error;
    %onnx_check --explain OM202
    %onnx_check --explain "Got invalid dimensions for input: x"

Options: $name and {{expression}} in a value or a path are expanded

{help_of(CHECK_OPTIONS)}

The word after --fix is its value where it says what to mend: safe, unsafe, or codes and names with commas between. All
else is what is to be checked, so that `--fix net.onnx` and `net.onnx --fix` are the same.

The result has .ok, .findings, .graph, .parity, .runs, .untried, .changes, .to_dict() and .to_sarif().
`%config OnnxMagic.ignore = "OM206,OM605"` leaves findings out in every export and check of the session: --ignore adds
to it, and a line with --select sets it aside. `%config OnnxMagic.targets` holds where a line has no --target;
--target "" means none.
"""
SHOW_HELP = f"""Look into a model: its graph, folded by module, with what goes in and out, and the values in it.

    %onnx_show FILE [options]           net.onnx, "my models/net.onnx"; torch is not needed, no weights are read
    %onnx_show NAME [options]           a variable that holds an export, a check, a path, bytes or a ModelProto
    %onnx_show CALL [options]           CALL is what you would run: model(x, mask=m); the model is exported into memory,
                                        without a proof

Nothing is judged and nothing is changed. What stands on the line is read as by %onnx_check: a word in quotes, one that
ends in .onnx and one that names a file is a path, unless it is a call or a variable's name. (net.onnx) is Python.

Examples

    %onnx_show net.onnx
    %onnx_show net.onnx --open layer1 --open layer4.2
    %onnx_show model(x)
    s = %onnx_show e

Options: $name and {{expression}} in a value or a path are expanded

{help_of(SHOW_OPTIONS)}

The result has .graph, .path, .name and .to_dict(). A click puts a node into .selected, with its attributes as Python
values; setting it, s.selected = "layer1.0" or the name of a node, moves the view. s.weight(name) reads a weight, and
s.value(name) runs the file and gives any value in the graph: an export on the example it was made with, a file on
inputs made up from its signature, in a process of its own. s.graph.to_svg("net.svg") draws it.
"""
DIFF_HELP = f"""Compare two models: signature, structure, weights, what they compute on the same inputs, what they cost.

    %onnx_diff A B [options]            A is before, B is after; each is a file, a result or a call:

    net.onnx, "my models/net.onnx"      a file; torch is not needed
    e                                   a variable that holds an export, a check, a path, bytes or a ModelProto
    model(x, mask=m)                    the model in memory: exported for this, at the opset and with the axes of the
                                        other, without a proof

Nodes are matched by what they do and where they stand; names are a last resort, so that a re-export, a renamed or a
shuffled file is the same. Nothing is changed. What was not compared is said, with the reason. A word in quotes, one
that ends in .onnx and one that names a file is a path, unless it is a call or a variable's name.

Both run on the same inputs: on --data, else on the example of an export, else on inputs made up from the signature; a
file from anywhere runs in a process of its own. Outputs and every matched value inside are compared.

Examples

    %onnx_diff before.onnx after.onnx
    %onnx_diff e1 e2
    %onnx_diff model(x) net.onnx
    d = %onnx_diff fp32.onnx int8.onnx --data val_loader --samples 200 --time
    %onnx_diff before.onnx after.onnx --fail-on breaking --markdown changes.md
    %onnx_diff a.onnx b.onnx --pin /head/MatMul=node_linear_7

Options: $name and {{expression}} in a value or a path are expanded; EXPR is Python, evaluated once

{help_of(DIFF_OPTIONS)}

The result has .identical, .signature, .nodes.added, .removed, .changed and .moved, .regions, .weights, .outputs, .cost,
.findings, .summary, .to_dict() and .to_markdown(). d.assert_only(weights=True) raises when anything else changed.
"""
