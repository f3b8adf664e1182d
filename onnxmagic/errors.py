"""What can go wrong, as a tree of exceptions.

OnnxMagicError
 ├── UsageMistake       the call itself is wrong; said before anything runs
 ├── CheckFailed        a check found what ``fail_on`` forbids
 ├── DiffFound          two models differ in what ``fail_on``, or ``assert_only``, forbids
 ├── ValueUnavailable   a value in a file was asked for, and cannot be had
 └── ExportError        the export was tried and nothing was written
      ├── ModelFailed   the model itself fails on the example, without any export
      ├── CaptureFailed PyTorch cannot turn the model into a graph
      ├── WriteFailed   the file could not be written; the old one is untouched
      │    └── FixFailed  a rewrite failed, or what it made is no sound model
      └── GateClosed    the file was made, but ``fail_on`` forbids to keep it

An ``ExportError`` shows itself as a short report (``_render_traceback_`` is IPython's hook for that) because a stack
through our files says nothing to the person whose model was refused. The whole stack stays on ``__cause__``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnxmagic.check.finding import Finding, Where
    from onnxmagic.diff.result import Diff
    from onnxmagic.examine.result import Check
    from onnxmagic.export.result import Export

__all__ = [
    "CaptureFailed",
    "CheckFailed",
    "DiffFound",
    "ExportError",
    "FixFailed",
    "GateClosed",
    "ModelFailed",
    "OnnxMagicError",
    "UsageMistake",
    "ValueUnavailable",
    "WriteFailed",
]


class OnnxMagicError(Exception):
    """Base of every exception this package raises on purpose."""

    def _render_traceback_(self) -> list[str]:
        """Return the lines IPython prints: the stack only as far as it is the user's own."""
        from onnxmagic.view import mistake_lines

        return mistake_lines(self)


class UsageMistake(OnnxMagicError, ValueError):
    """The call is wrong; the message says what to write instead. Nothing ran."""


class ExportError(OnnxMagicError):
    """An export that was tried and failed; nothing was written.

    Parameters
    ----------
    headline : str
        One sentence: what is wrong.
    findings : tuple of Finding
        The mistakes that stopped the export, the first one being the cause.
    detail : str
        More lines for the report, for example the user's own error message.
    where : Where, optional
        The user's line, when there is no finding that carries it.
    advice : str
        What to write instead, when there is no finding that carries it.

    Attributes
    ----------
    earlier : tuple of Finding
        What had been found by then and did not stop the export.
    """

    def __init__(
        self,
        headline: str,
        findings: tuple[Finding, ...] = (),
        detail: str = "",
        *,
        where: Where | None = None,
        advice: str = "",
    ) -> None:
        super().__init__(headline)
        self.headline = headline
        self.findings = findings
        self.detail = detail
        self.where = where
        self.advice = advice
        self.earlier: tuple[Finding, ...] = ()

    def _render_traceback_(self) -> list[str]:
        """Return the lines IPython prints instead of a stack."""
        from onnxmagic.view import failure_lines

        return failure_lines(self)


class CheckFailed(OnnxMagicError):
    """A check found what ``fail_on`` forbids.

    Attributes
    ----------
    check : Check
        The whole result.
    """

    def __init__(self, headline: str, check: Check) -> None:
        super().__init__(headline)
        self.headline = headline
        self.check = check

    def _render_traceback_(self) -> list[str]:
        """Return the lines IPython prints instead of a stack."""
        from onnxmagic.view import check_failure_lines

        return check_failure_lines(self)


class DiffFound(OnnxMagicError):
    """Two models differ in what ``fail_on``, or ``Diff.assert_only``, forbids.

    Attributes
    ----------
    diff : Diff
        The whole result.
    """

    def __init__(self, headline: str, diff: Diff) -> None:
        super().__init__(headline)
        self.headline = headline
        self.diff = diff

    def _render_traceback_(self) -> list[str]:
        """Return the lines IPython prints instead of a stack."""
        from onnxmagic.view import diff_failure_lines

        return diff_failure_lines(self)


class ValueUnavailable(OnnxMagicError):
    """A value in a file cannot be had: the file does not run here, or its weights are not all there."""


class ModelFailed(ExportError):
    """The model itself fails on the example; ``__cause__`` is the model's own exception."""


class CaptureFailed(ExportError):
    """PyTorch could not turn the model into a graph; ``__cause__`` is its exception."""


class WriteFailed(ExportError):
    """The file could not be written; the old one is untouched and no temporary file is left."""


class FixFailed(WriteFailed):
    """A rewrite failed, or what it made was refused or computes something else; the old file is untouched."""


class GateClosed(ExportError):
    """The file was made and checked, and ``fail_on`` forbids to keep it; the old file is untouched.

    Attributes
    ----------
    export : Export
        The whole result, with its findings; its ``path`` is None.
    """

    def __init__(self, headline: str, export: Export) -> None:
        super().__init__(headline, export.findings)
        self.export = export
