"""A real IPython shell with the extension loaded, and an exporter that only writes down what it was asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import ExecutionResult, InteractiveShell
from traitlets.config import Config

MODELS = """
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = torch.nn.Linear(4, 2)

    def forward(self, x, mask=None):
        raise AssertionError("the call was made")

    def encode(self, x):
        return x

model = Net()
x = torch.zeros(1, 4)
"""


@pytest.fixture
def bare_shell() -> Iterator[InteractiveShell]:
    """A shell without the extension, forgotten afterwards."""
    config = Config({"HistoryManager": {"enabled": False}, "InteractiveShell": {"colors": "nocolor"}})
    yield InteractiveShell.instance(config=config)
    InteractiveShell.clear_instance()


@dataclass
class Notebook:
    """A shell to type cells into."""

    shell: InteractiveShell

    def run(self, cell: str) -> Any:
        """Run a cell and return its value; raise what it raises."""
        result = self.try_(cell)
        result.raise_error()
        return result.result

    def try_(self, cell: str) -> ExecutionResult:
        """Run a cell as a person does."""
        return self.shell.run_cell(cell, store_history=True)

    def __getitem__(self, name: str) -> Any:
        return self.shell.user_ns[name]

    def error(self, cell: str) -> str:
        """Return the message of the UsageError that the cell raises."""
        from IPython.core.error import UsageError

        error = self.try_(cell).error_in_exec
        assert type(error) is UsageError, error
        return str(error)


@pytest.fixture
def nb(bare_shell: InteractiveShell) -> Notebook:
    """A notebook with the extension loaded."""
    bare_shell.run_line_magic("load_ext", "onnxmagic")
    return Notebook(bare_shell)


@pytest.fixture
def models(nb: Notebook) -> Notebook:
    """The notebook after a cell that makes a class `Net`, a `model` and an `x`."""
    nb.run(MODELS)
    return nb


@dataclass
class Recorder:
    """Stands in for the pipeline and the view; what it was given is kept."""

    result: Any = "the export"
    error: Exception | None = None
    model: Any = None
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    exports: int = 0
    subject: tuple[Any, ...] | None = None
    shown: list[tuple[Any, str]] = field(default_factory=list)
    marked: list[Any] = field(default_factory=list)
    stages: list[str] = field(default_factory=list)

    def export(self, model: Any, args: Any = (), kwargs: Any = None, **options: Any) -> Any:
        self.exports += 1
        self.model, self.args, self.kwargs, self.options = model, args, kwargs, options
        if options["progress"]:
            options["progress"]("capture")
        if self.error:
            raise self.error
        return self.result

    def check(self, *subject: Any, **options: Any) -> Any:
        self.subject, self.options = subject, options
        if options["progress"]:
            options["progress"]("read")
        if self.error:
            raise self.error
        return self.result

    def show(self, result: Any, how: str, replace: Any = None) -> None:
        self.shown.append((result, how))

    def progress(self) -> Recorder:
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __call__(self, stage: str) -> None:
        self.stages.append(stage)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """What the magics ask of the pipeline and of the view."""
    recorder = Recorder()
    monkeypatch.setattr("onnxmagic.magics.export", recorder.export)
    monkeypatch.setattr("onnxmagic.magics.check", recorder.check)
    monkeypatch.setattr("onnxmagic.view.Progress", recorder.progress, raising=False)
    monkeypatch.setattr("onnxmagic.view.show", recorder.show, raising=False)
    monkeypatch.setattr("onnxmagic.view.mark_shown", recorder.marked.append, raising=False)
    return recorder


@pytest.fixture(scope="session")
def check_schema() -> dict[str, Any]:
    """The schema of ``Check.to_dict()``, as it is in the docs."""
    path = Path(__file__).parents[2] / "docs" / "check.schema.json"
    return json.loads(path.read_text(encoding="utf-8"))
