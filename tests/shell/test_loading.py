"""Loading is quick, silent and undone without a trace."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"torch", "onnx", "onnx_ir", "onnxscript", "onnxruntime", "numpy", "anywidget", "ipywidgets"}


def traces(shell):
    """Return all that the extension registers in a shell."""
    manager = shell.magics_manager
    return (
        sorted(kind + name for kind in ("line", "cell") for name in manager.magics[kind] if "onnx" in name),
        [name for name in manager.registry if "Onnx" in name],
        sorted(type(c).__name__ for c in shell.configurables if "Onnx" in type(c).__name__),
        [m for m in shell.Completer.custom_matchers if "onnx" in m.matcher_identifier],
    )


def check_one_of_each(shell):
    magics, registry, configurables, matchers = traces(shell)
    assert magics == ["cellonnx_export", "lineonnx_check", "lineonnx_diff", "lineonnx_export", "lineonnx_show"]
    assert registry == ["OnnxMagics"]
    assert configurables == ["OnnxMagic", "OnnxMagics"]
    assert len(matchers) == 1


def test_load_unload_load(bare_shell, capsys):
    none = traces(bare_shell)
    assert none == ([], [], [], [])
    bare_shell.run_line_magic("load_ext", "onnxmagic")
    check_one_of_each(bare_shell)
    bare_shell.run_line_magic("unload_ext", "onnxmagic")
    assert traces(bare_shell) == none
    bare_shell.run_line_magic("load_ext", "onnxmagic")
    check_one_of_each(bare_shell)
    assert capsys.readouterr() == ("", "")


def test_reload_leaves_one_of_each(nb):
    nb.run("%reload_ext onnxmagic")
    nb.run("%reload_ext onnxmagic")
    check_one_of_each(nb.shell)


def test_a_user_s_own_magic_of_that_name_stays(nb):
    def mine(line):
        return line

    nb.shell.register_magic_function(mine, "line", "onnx_check")
    nb.run("%unload_ext onnxmagic")
    assert nb.shell.find_line_magic("onnx_check") is mine
    assert nb.shell.find_line_magic("onnx_export") is None


def test_unloaded_magics_are_gone(nb):
    nb.run("%unload_ext onnxmagic")
    assert "`%onnx_export` not found" in nb.error("%onnx_export model(x)")
    assert nb.run("%config") is None


LOAD = """
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "storemagic")  # what a first extension costs IPython itself
before = set(sys.modules)
shell.run_line_magic("load_ext", "onnxmagic")
print(*(set(sys.modules) - before))
"""


@pytest.fixture(scope="module")
def loaded():
    """The modules that %load_ext imported in a fresh process."""
    run = subprocess.run([sys.executable, "-c", LOAD], capture_output=True, text=True, check=True)
    assert run.stderr == ""
    return set(run.stdout.split())


def test_loading_imports_nothing_heavy(loaded):
    modules = {name.partition(".")[0] for name in loaded}
    assert "onnxmagic" in modules
    assert not modules & HEAVY
