"""A result appears once, in the form that fits, and again when it is asked for again."""

from __future__ import annotations

import gc

import pytest
import samples

from onnxmagic.view import mark_shown, show
from onnxmagic.view.display import WIDGET, display_result


@pytest.fixture
def in_terminal(terminal):
    terminal.user_ns.update(e=samples.ready(), show=show, mark_shown=mark_shown)
    return terminal


@pytest.fixture
def in_kernel(kernel):
    kernel.user_ns.update(e=samples.ready(), show=show, mark_shown=mark_shown)
    return kernel


def run(shell, cell):
    shell.run_cell(cell, store_history=True).raise_error()


def test_a_terminal_shows_the_text_once_and_then_the_short_form(in_terminal, capsys):
    run(in_terminal, "show(e); e")
    shown = capsys.readouterr().out
    assert shown.count("✓ Ready.") == 1
    assert "Out[1]: <Export resnet.onnx: ok, 2 findings>" in shown


def test_a_later_cell_shows_the_whole_text_again(in_terminal, capsys):
    run(in_terminal, "show(e)")
    capsys.readouterr()
    run(in_terminal, "e")
    assert capsys.readouterr().out.count("✓ Ready.") == 1


def test_what_was_marked_is_shown_in_short(in_terminal, capsys):
    run(in_terminal, "mark_shown(e)\ne")
    assert "✓ Ready." not in capsys.readouterr().out


def test_in_a_list_a_result_is_short(in_terminal, capsys):
    run(in_terminal, "[e, e]")
    shown = capsys.readouterr().out
    assert shown.count("<Export resnet.onnx: ok, 2 findings>") == 2
    assert "✓ Ready." not in shown


def test_another_result_is_not_taken_for_the_one_that_was_shown(in_terminal, capsys):
    in_terminal.user_ns["make"] = samples.ready
    run(in_terminal, "show(make())\nmake()")
    assert capsys.readouterr().out.count("✓ Ready.") == 2


def test_outside_ipython_the_text_is_printed(capsys):
    show(samples.ready())
    assert capsys.readouterr().out == f"{samples.ready()}\n"


def test_a_kernel_gets_a_page_and_then_a_widget(in_kernel):
    run(in_kernel, "show(e)")
    (page, *_), (widget, *_) = in_kernel.outputs
    assert set(page) == {"text/html", "text/plain"}
    assert page["text/plain"] == str(samples.ready())
    assert set(widget) == {WIDGET, "text/html", "text/plain"}
    assert widget["text/html"] == widget["text/plain"] == ""


def test_a_kernel_shows_a_result_once_a_cell(in_kernel, capsys):
    run(in_kernel, "show(e)\ne")
    assert len(in_kernel.outputs) == 2
    run(in_kernel, "e")
    assert len(in_kernel.outputs) == 4
    assert "Export" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("how", "forms"),
    [
        ("html", [{"text/html", "text/plain"}]),
        ("text", [{"text/plain"}]),
        ("widget", [{"text/html", "text/plain"}, {"text/html", "text/plain", WIDGET}]),
    ],
)
def test_the_form_can_be_chosen(in_kernel, how, forms):
    show(samples.ready(), how)
    assert [set(bundle) for bundle, _, _ in in_kernel.outputs] == forms


def test_the_report_takes_the_place_of_what_it_replaces(in_kernel):
    class Handle:
        display_id = "abc"

    show(samples.ready(), "html", Handle())
    assert [(display_id, update) for _, display_id, update in in_kernel.outputs] == [("abc", True)]


def test_without_a_kernel_ipython_falls_back_to_the_text():
    with pytest.raises(NotImplementedError):
        display_result(samples.ready())


def test_a_shown_result_is_not_kept_alive(in_kernel):
    import weakref

    result = samples.ready()
    seen = weakref.ref(result)
    show(result)
    del result
    gc.collect()
    assert seen() is None


@pytest.mark.parametrize(("key", "expected"), [("m0", "ResNet"), ("m1", "Conv2d"), ("f1", "OM305")])
def test_choosing_in_the_widget_is_seen_in_python(kernel, key, expected):
    from onnxmagic.view.report import report
    from onnxmagic.view.widget import ReportWidget

    export = samples.ready()
    widget = ReportWidget.of(export, report(export), "abc")
    assert export.selected is None
    widget.selected = key
    assert expected in {getattr(export.selected, "class_name", ""), getattr(export.selected, "code", "")}
    widget.selected = "m999"
    assert export.selected is not None


def test_nothing_heavy_is_imported_for_text():
    import subprocess
    import sys

    program = "import onnxmagic.view, sys; print([m for m in ('IPython', 'torch', 'anywidget') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
