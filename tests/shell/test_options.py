"""The options of the line: values, mistakes and help."""

from __future__ import annotations

import re

import pytest

from onnxmagic.errors import UsageMistake
from onnxmagic.given import ExportOptions
from onnxmagic.line import split_line
from onnxmagic.options import EXPORT_OPTIONS, help_of


def parse(line, **namespace):
    return ExportOptions.parse(split_line(line).words, namespace)


@pytest.mark.parametrize(
    "line", ["model(x, -1) -o a.onnx -q", "-o a.onnx model(x, -1) -q", "-q -o a.onnx model(x, -1)"]
)
def test_options_before_and_after_the_call(line):
    options = parse(line)
    assert (options.call, options.output, options.quiet) == (("model(x, -1)",), "a.onnx", True)


def test_nothing_given_leaves_the_choice_to_the_settings():
    options = parse("model(x)")
    assert options == ExportOptions(call=("model(x)",))
    assert options.prove is options.static is options.quiet is options.opset is options.fail_on is None


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("--opset=20", "opset", 20),
        ("--opset $n", "opset", 3),
        ("--opset {n + 15}", "opset", 18),
        ('-o "my net.onnx"', "output", "my net.onnx"),
        ("-onet.onnx", "output", "net.onnx"),
        ("--input-names a,b", "input_names", ("a", "b")),
        ("--output-names 'a, b'", "output_names", ("a", "b")),
        ("--as e", "bind", "e"),
        ("--static", "static", True),
        ("--no-static", "static", False),
        ("--no-prove", "prove", False),
        ("--prove", "prove", True),
        ("--no-changes", "changes", False),
        ("--train", "train", True),
        ("--keep-source", "keep_source", True),
        ("--external-data", "external_data", True),
        ("--fail-on warning", "fail_on", "warning"),
        ("--show text", "show", "text"),
        ("--traceback", "traceback", True),
        ("--help", "help", True),
        ("--keep 4", "keep", 4),
        ("--keep $n", "keep", 3),
        ("--budget 500MB", "budget", "500MB"),
        ("--budget {n}GB", "budget", "3GB"),
        ("--like loader", "like", "loader"),
        ("--like islice(loader, 3)", "like", "islice(loader, 3)"),
        ("--data {loader}", "data", "{loader}"),
        ("--samples 100", "samples", 100),
        ("--samples all", "samples", "all"),
        ("--executor pool(4)", "executor", "pool(4)"),
    ],
)
def test_value(line, name, value):
    assert getattr(parse(line, n=3), name) == value


@pytest.mark.parametrize(
    ("line", "dynamic"),
    [
        ("f(x)", "auto"),
        ("--dynamic auto", "auto"),
        ("--dynamic x:2=height", {"x": {2: "height"}}),
        ("--dynamic x:2", {"x": {2: ""}}),
        ("--dynamic x:-1=time", {"x": {-1: "time"}}),
        ("--dynamic batch['mask']:1=length", {"batch['mask']": {1: "length"}}),
        ("--dynamic x:2=height --dynamic x:3=width --dynamic y:0", {"x": {2: "height", 3: "width"}, "y": {0: ""}}),
        ('--dynamic {"x": {2: "height"}}', {"x": {2: "height"}}),
        ('--dynamic {"x": [0, 2]} --dynamic y:1=n', {"x": {0: "", 2: ""}, "y": {1: "n"}}),
        ("--dynamic axes", {"x": {2: "h"}}),
        ("--dynamic $axes", {"x": {2: "h"}}),
        ("--dynamic {axes}", {"x": {2: "h"}}),
        ("--dynamic {'x': {axis: 'h'}}", {"x": {2: "h"}}),
        ("--dynamic x:{axis}=h", {"x": {2: "h"}}),
        ("--dynamic {name}:{axis}", {"x": {2: ""}}),
    ],
)
def test_dynamic(line, dynamic):
    assert parse(line, axes={"x": {2: "h"}}, axis=2, name="x").dynamic == dynamic


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("--opst 20", "no option --opst. Did you mean --opset?"),
        ("--no-prov", "Did you mean --no-prove?"),
        ("--xyzzy", "no option --xyzzy. --help lists them."),
        ("-o", "-o/--output needs a value."),
        ("--opset twenty", "--opset takes a whole number, for example 20, not 'twenty'."),
        ("--keep 0", "--keep takes a whole number from 1, for example 16, not '0'."),
        ("--samples most", "--samples takes a whole number from 1, for example 1000, or all, not 'most'."),
        ("--budget 0GB", "--budget takes a size of memory, for example 500MB or 2GB, not '0GB'."),
        ("--budget GB", "--budget takes a size of memory"),
        ("--fail-on errors", "--fail-on takes error, warning or never, not 'errors'."),
        ("--show=htm", "--show takes auto, html, widget or text"),
        ("--as my-export", "--as takes the name of a variable, not 'my-export'."),
        ("--as class", "--as takes the name"),
        ("-o $nothing", "--output $nothing: name 'nothing' is not defined"),
        ("--dynamic height", "name 'height' is not defined. Write for example --dynamic x:2=height"),
        ("--dynamic x:2=", "--dynamic x:2= cannot be read: "),
        ("--dynamic 3", "is no dict but of type int"),
        ("--dynamic x:2=h --dynamic {'y':'z'}", "'z' names no axes"),
    ],
)
def test_mistake(line, complaint):
    with pytest.raises(UsageMistake, match=re.escape(complaint)):
        parse(line)


def test_the_help_names_every_option_and_choice():
    text = help_of(EXPORT_OPTIONS)
    for option in EXPORT_OPTIONS:
        assert all(spelling in text for spelling in option.spellings)
        assert all(choice in text for choice in option.choices)
    assert max(len(line) for line in text.splitlines()) <= 84
