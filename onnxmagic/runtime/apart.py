"""Functions called in a process of their own, with limits: where files from strangers are run.

A model file can crash the C++ code that reads it, never come to an end, or ask for all the memory there is; in the
user's kernel each of these would end the session and all that is in it. The process starts in the background, so that
it is there when it is needed, may write no file, and is gone when the block ends. On Windows memory and files are not
limited; time is, everywhere.
"""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, cast

from onnxmagic.runtime.frames import Closed, TooLarge, receive, send

__all__ = ["Apart", "Died", "Raised"]

MEMORY: Final = 4 * 2**30
SECONDS: Final = 60.0

# The modules of this package are found the way this process found them; nothing is found in the working folder.
_BOOT: Final = (
    "import sys, json; sys.path[:] = json.loads(sys.stdin.buffer.readline());"
    "from onnxmagic.runtime.worker import main; main()"
)


class Died(Exception):
    """The process ended, or was ended, during the call.

    ``cause`` is ``"crash"``, ``"time"`` or ``"memory"``; the message is a clause for a person: ``"it crashed
    (SIGSEGV)"``.
    """

    def __init__(self, message: str, cause: Literal["crash", "time", "memory"]) -> None:
        super().__init__(message)
        self.cause = cause


class Raised(Exception):
    """The function raised: ``kind`` is the exception's class name, the message its own."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Apart:
    """A Python process that calls functions of this package by name, started anew after it died.

    Parameters
    ----------
    memory : int
        Bytes of memory it may take, where the platform has such a limit.
    seconds : float
        Time that one call may take.
    """

    def __init__(self, *, memory: int = MEMORY, seconds: float = SECONDS) -> None:
        self.memory = memory
        self.seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Apart:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def life(self) -> int:
        """Number of the process that is alive now; what was loaded in an earlier one is gone."""
        return self._process.pid if self._process is not None and self._process.poll() is None else 0

    def start(self) -> None:
        """Start the process, without waiting for it to be there.

        Raises
        ------
        Died
            The platform lets no process start.
        """
        if self.life:
            return
        self.close()
        try:
            self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and our own text
                [sys.executable, "-I", "-c", _BOOT],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                # An interrupt in the terminal is for the notebook, which then ends this process itself.
                start_new_session=True,
            )
        except OSError as error:
            raise Died(f"no process can be started for it: {error.strerror}", "crash") from error
        limits = {"memory": self.memory, "seconds": self.seconds}
        with contextlib.suppress(OSError):  # it is gone already: the first call will tell
            stdin = self._pipe("stdin")
            stdin.write(json.dumps(_search_path()).encode() + b"\n")
            send(stdin, limits)

    def call(self, function: str, *args: Any, seconds: float | None = None) -> Any:
        """Call ``"package.module:function"`` with `args` in the process and return what it returns.

        Parameters
        ----------
        args, and the result
            What ``frames.send`` takes.
        seconds : float, optional
            Instead of ``self.seconds``.

        Raises
        ------
        Raised
            The function raised.
        Died
            It crashed, took too long, or needed more memory than allowed.
        TooLarge
            `args` or the result are too large to be handed over.
        """
        self.start()
        late = threading.Event()
        limit = self.seconds if seconds is None else seconds
        timer = threading.Timer(limit, self._end, [late])
        timer.daemon = True
        timer.start()
        try:
            send(self._pipe("stdin"), [function, list(args)])
            reply = receive(self._pipe("stdout"))
        except (Closed, OSError):
            raise self._death(late.is_set(), limit) from None
        except BaseException:  # an interrupt: an answer that nobody waits for would be taken for the next one
            self.close()
            raise
        finally:
            timer.cancel()
        return _result(reply, self.memory)

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        process.wait()

    def _pipe(self, name: Literal["stdin", "stdout"]) -> BinaryIO:
        return cast("BinaryIO", getattr(self._process, name))

    def _end(self, late: threading.Event) -> None:
        late.set()
        process = self._process
        if process is not None:
            process.kill()

    def _death(self, late: bool, limit: float) -> Died:
        status = self._process.wait() if self._process is not None else 0
        self.close()
        if late:
            return Died(f"it took longer than {limit:g} seconds", "time")
        if status < 0 and -status == getattr(signal, "SIGXCPU", 0):
            return Died("it took too much processor time", "time")
        if status < 0 and -status == getattr(signal, "SIGKILL", 0):
            return Died("the system ended it, most likely for want of memory", "memory")
        return Died(f"it crashed ({_name(status)})", "crash")


def _result(reply: Any, memory: int) -> Any:
    """Return the value in a reply, or raise what it tells of."""
    if "value" in reply:
        return reply["value"]
    if reply.get("memory"):
        raise Died(f"it needs more than {memory / 1e9:.1f} GB of memory", "memory")
    if reply.get("kind") == TooLarge.__name__:
        raise TooLarge(str(reply.get("message", "")))
    raise Raised(str(reply.get("kind", "")), str(reply.get("message", "")))


def _name(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"


def _search_path() -> list[str]:
    """Return where this process finds modules: this package first, nothing that is relative."""
    house = str(Path(__file__).resolve().parents[2])
    return list(dict.fromkeys([house, *(path for path in sys.path if Path(path).is_absolute())]))
