"""Running the user's code as the notebook would, and naming the cell that a line of it is in.

A body is run with the shell's own transform, compiler and cache, so that a traceback shows the cell and its line, and
an error in it fails the cell. ``shell.run_cell`` inside a magic would not do: its errors let a notebook run go on as if
nothing had happened.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import re
from collections.abc import Callable, Iterator
from functools import partial
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

from onnxmagic.errors import UsageMistake
from onnxmagic.refusal import is_magic

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = [
    "calling_line",
    "evaluator",
    "full_traceback",
    "moved",
    "notebook_cell",
    "parse_body",
    "run_as_cell",
    "run_body",
    "value_is_dropped",
]

TERMINAL_NAME = re.compile(r"<ipython-input-(\d+)-")
NO_CELL = "<onnx_export>"


def notebook_cell(filename: str, shell: InteractiveShell) -> int | None:
    """Return the number of the cell whose code Python knows as `filename`, or None.

    A kernel names a cell's file after its content; the number is in the compiler's private map alone, which is read
    here and nowhere else. In a terminal the name itself holds it.
    """
    numbers: dict[str, int] = getattr(shell.compile, "_filename_map", {})
    if filename in numbers:
        return numbers[filename]
    match = TERMINAL_NAME.match(filename)
    return int(match[1]) if match else None


def calling_line(shell: InteractiveShell) -> tuple[str, int]:
    """Return the file name and line of the innermost running code that is in a cell."""
    for frame in _frames():
        if notebook_cell(frame.f_code.co_filename, shell) is not None:
            return frame.f_code.co_filename, frame.f_lineno
    return NO_CELL, 1


def _frames() -> Iterator[FrameType]:
    frame = inspect.currentframe()
    while frame:
        yield frame
        frame = frame.f_back


def value_is_dropped(shell: InteractiveShell) -> bool:
    """Return whether the magic that runs now is a statement of its own: no ``e = %magic``, and no call from a program.

    Its value then goes to ``Out[n]`` at most.
    """
    filename, lineno = calling_line(shell)
    try:
        tree = ast.parse("".join(linecache.getlines(filename)))
    except SyntaxError:
        return False
    alone = (node for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call))
    return any(node.lineno <= lineno <= (node.end_lineno or 0) and is_magic(node.value) for node in alone)


def moved(expression: ast.expr, lineno: int) -> ast.expr:
    """Return `expression`, parsed from a line of its own, as standing in line `lineno`."""
    ast.increment_lineno(expression, lineno - expression.lineno)
    return expression


def parse_body(shell: InteractiveShell, cell: str) -> tuple[ast.Module, str, bool]:
    """Return the tree of a cell magic's body, the file name it was cached under, and whether it ends in ``;``.

    Raises
    ------
    UsageMistake
        It is no Python, or holds an ``await`` that only a cell of its own can run.
    """
    # The first line is the magic's; a comment stands for it, as the shell would strip an empty one and shift the lines.
    # But below a comment the shell would not see another cell magic.
    raw = cell if cell.lstrip().startswith("%%") else "# %%onnx_export\n" + cell
    number = notebook_cell(calling_line(shell)[0], shell)
    source = raw
    try:
        source = shell.transform_cell(raw)
        name = shell.compile.cache(source, shell.execution_count - 1 if number is None else number, raw_code=raw)
        tree = shell.transform_ast(shell.compile.ast_parse(source, filename=name))
        _refuse_await(tree)
        # Python finds some mistakes only here, such as a `return`; none may be found after half of the cell has run.
        shell.compile(tree, name, "exec")  # type: ignore[arg-type]  # codeop's stub wants text
    except SyntaxError as error:
        raise UsageMistake(_syntax_message(error, source)) from None
    return tree, name, _ends_in_semicolon(tree, source)


def _ends_in_semicolon(tree: ast.Module, source: str) -> bool:
    if not tree.body:
        return False
    last = tree.body[-1]
    # Python counts columns in bytes.
    line = source.split("\n")[(last.end_lineno or 1) - 1].encode()
    return line[last.end_col_offset :].lstrip().startswith(b";")


def _syntax_message(error: SyntaxError, source: str) -> str:
    message = f"The cell is no Python: {error.msg}, line {error.lineno}."
    lines = source.split("\n")
    if error.lineno is None or error.lineno > len(lines):
        return message
    return f"{message}\n    {lines[error.lineno - 1]}\n    {' ' * ((error.offset or 1) - 1)}^"


def _refuse_await(tree: ast.AST) -> None:
    if line := next(_awaits(tree), None):
        raise UsageMistake(f"`await` in line {line} cannot run below %%onnx_export; run that part in a cell before it.")


def _awaits(node: ast.AST) -> Iterator[int]:
    """Yield the lines of what only the notebook itself can wait for."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Await | ast.AsyncFor | ast.AsyncWith):
            yield child.lineno
        if isinstance(child, ast.comprehension) and child.is_async:
            yield child.target.lineno
        if not isinstance(child, ast.AsyncFunctionDef):
            yield from _awaits(child)


def run_body(shell: InteractiveShell, statements: list[ast.stmt], name: str) -> None:
    """Run `statements` in the user's namespace, as a cell; what they raise is passed on, its stack without ours."""
    code = shell.compile(ast.Module(statements, []), name, "exec")  # type: ignore[arg-type]  # codeop's stub wants text
    _run(shell, name, lambda: exec(code, shell.user_global_ns, shell.user_ns))  # noqa: S102  # the user's own cell


def run_as_cell(shell: InteractiveShell, statements: list[ast.stmt], name: str, *, silenced: bool) -> None:
    """Run `statements` as the shell runs a cell of its own: it shows values, and keeps them, as its settings say.

    Parameters
    ----------
    silenced : bool
        The cell ends in ``;``. The shell itself would look for that in what was typed, which ends otherwise.
    """
    with shell.builtin_trap, shell.display_trap:
        for node, mode in _interactively(statements, shell.ast_node_interactivity):
            module = ast.Interactive([node]) if mode == "single" and not silenced else ast.Module([node], [])
            code = shell.compile(module, name, "exec" if isinstance(module, ast.Module) else mode)  # type: ignore[arg-type]  # codeop's stub wants text
            _run(shell, name, partial(exec, code, shell.user_global_ns, shell.user_ns))


def _interactively(statements: list[ast.stmt], interactivity: str) -> Iterator[tuple[ast.stmt, str]]:
    """Yield the statements, each with how it is compiled: ``"single"`` shows values, ``"exec"`` does not.

    It follows ``InteractiveShell.run_ast_nodes``, which itself would show an error and not raise it.
    """
    if not statements:
        return
    nodes = [*statements, *_assigned_name(statements[-1])] if interactivity == "last_expr_or_assign" else statements
    last_shows = interactivity == "last" or (interactivity != "none" and isinstance(nodes[-1], ast.Expr))
    for node in nodes:
        shows = interactivity == "all" or (node is nodes[-1] and last_shows)
        yield node, "single" if shows else "exec"


def _assigned_name(last: ast.stmt) -> list[ast.stmt]:
    """Return the expression that shows what `last` assigned to a name; none where it did no such thing."""
    targets: list[ast.expr] = []
    if isinstance(last, ast.Assign):
        targets = last.targets
    elif isinstance(last, ast.AugAssign | ast.AnnAssign):
        targets = [last.target]
    if len(targets) != 1 or not isinstance(targets[0], ast.Name):
        return []
    shown = ast.copy_location(ast.Expr(ast.Name(targets[0].id, ast.Load())), last)
    return [ast.fix_missing_locations(shown)]


def evaluator(shell: InteractiveShell, name: str) -> Callable[[ast.expr, dict[str, Any]], Any]:
    """Return a function that evaluates an expression of the code called `name` in a namespace."""

    def evaluate(node: ast.expr, namespace: dict[str, Any]) -> Any:
        tree = ast.fix_missing_locations(ast.Expression(node))
        try:
            code = shell.compile(tree, name, "eval")  # type: ignore[arg-type]  # codeop's stub wants text
        except SyntaxError as error:
            raise UsageMistake(f"`{ast.unparse(node)}` cannot be evaluated: {error.msg}.") from None
        return _run(shell, name, lambda: eval(code, namespace))  # noqa: S307  # the user's own call

    return evaluate


def _run(shell: InteractiveShell, name: str, run: Callable[[], Any]) -> Any:
    try:
        return run()
    except (Exception, KeyboardInterrupt) as error:
        _show_from(shell, error, name)
        raise


def _show_from(shell: InteractiveShell, error: BaseException, name: str) -> None:
    """Let IPython show the stack of `error` from the user's own code on; the exception keeps all of it."""
    stack = error.__traceback__
    while stack is not None and stack.tb_frame.f_code.co_filename != name:
        stack = stack.tb_next
    if stack is not None and not hasattr(type(error), "_render_traceback_"):
        _render_with(error, lambda: _rendered(shell, error, stack))


def full_traceback(shell: InteractiveShell, error: Exception) -> None:
    """Let IPython show the whole stack of `error`, where it would show a short report."""
    _render_with(error, lambda: _rendered(shell, error, error.__traceback__))


def _rendered(shell: InteractiveShell, error: BaseException, stack: TracebackType | None) -> list[str]:
    return shell.InteractiveTB.structured_traceback(type(error), error, stack, tb_offset=0)


def _render_with(error: BaseException, render: Callable[[], list[str]]) -> None:
    try:
        error._render_traceback_ = render  # type: ignore[attr-defined]  # IPython's documented hook
    except AttributeError:
        return  # an exception with slots takes no hook; it is shown with the whole stack
