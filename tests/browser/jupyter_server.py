"""One real Jupyter server on loopback, with all its files in one folder; started and stopped by its own process.

Nothing of the person who runs the tests is read or written: home, configuration, kernels' runtime files, workspaces
and settings all live below ``home``.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

__all__ = ["Server", "jupyter"]

App = Literal["lab", "notebook"]
START_SECONDS = 90
NO_NEWS = {"fetchNews": "false", "checkForUpdates": False}


@dataclass(frozen=True)
class Server:
    """A running server; ``root`` is the folder whose notebooks it serves."""

    app: App
    port: int
    token: str
    root: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def address(self, notebook: str) -> str:
        """Return where the front end opens `notebook`, a path below the root."""
        folder = "lab/tree" if self.app == "lab" else "notebooks"
        return f"{self.url}/{folder}/{notebook}?token={self.token}&reset"

    def request(self, method: str, path: str) -> bytes:
        """Call the server's REST interface; an answer of 400 and above is an OSError."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, headers={"Authorization": f"token {self.token}"})
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status >= http.client.BAD_REQUEST:
            raise OSError(f"{method} {path}: {answer.status}")
        return body

    def stop_kernels(self) -> None:
        """Stop every kernel, so that none outlives the server."""
        for kernel in json.loads(self.request("GET", "/api/kernels")):
            self.request("DELETE", f"/api/kernels/{kernel['id']}")


@contextlib.contextmanager
def jupyter(app: App, root: Path, home: Path) -> Generator[Server]:
    """Start JupyterLab or Notebook 7 in `root`, yield it when it answers, and stop it."""
    server = Server(app, _free_port(), secrets.token_hex(16), root)
    root.mkdir(parents=True, exist_ok=True)
    home.mkdir(parents=True, exist_ok=True)
    _quiet_settings(home / "settings")
    log = home / "server.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(_command(server), stdout=sink, stderr=subprocess.STDOUT, env=_environment(home))
    try:
        _wait(server, process, log)
        yield server
    finally:
        with contextlib.suppress(OSError, ValueError):
            server.stop_kernels()
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _command(server: Server) -> list[str]:
    module, application = ("jupyterlab", "LabApp") if server.app == "lab" else ("notebook", "JupyterNotebookApp")
    return [
        *(sys.executable, "-m", module, "--allow-root", "--no-browser"),
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={server.port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={server.root}",
        f"--IdentityProvider.token={server.token}",
        f"--{application}.expose_app_in_browser=True",
        "--LabApp.extension_manager=readonly",
    ]


def _environment(home: Path) -> dict[str, str]:
    return {
        **os.environ,
        "HOME": str(home),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "NO_PROXY": "127.0.0.1,localhost",
    }


def _quiet_settings(folder: Path) -> None:
    path = folder / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(NO_NEWS), encoding="utf-8")


def _wait(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError):
            server.request("GET", "/api/status")
            return
        time.sleep(0.1)
    raise RuntimeError(f"Jupyter did not start; its log:\n{log.read_text(errors='replace')}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
