"""Run a notebook for real, print its reports in the terminal and leave it as one HTML page.

``python tools/demo.py NOTEBOOK FOLDER``. The page is made without any address outside it, so that it opens offline.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert import HTMLExporter

# nbconvert's templates load these from a CDN; an empty one leaves the script out.
ADDRESSES = ("jquery_url", "mathjax_url", "mermaid_js_url", "require_js_url")
# The kernel's own notes about its transport are no part of the demo.
QUIET_KERNEL = ["--IPKernelApp.log_level=ERROR"]


def execute(path: Path) -> nbformat.NotebookNode:
    """Return the notebook at `path` with the outputs of a fresh kernel; what it writes goes to a temporary folder."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory(prefix="onnxmagic-demo-") as folder:
        resources = {"metadata": {"path": folder}}
        NotebookClient(notebook, timeout=300, resources=resources, extra_arguments=QUIET_KERNEL).execute()
    return notebook


def reports(notebook: nbformat.NotebookNode) -> list[str]:
    """Return the text form of every output that is shown as HTML too: those are our reports."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    bundles = [output.data for output in outputs if "data" in output]
    return [bundle["text/plain"] for bundle in bundles if "text/html" in bundle and "text/plain" in bundle]


def page(notebook: nbformat.NotebookNode, title: str) -> str:
    """Return the notebook as HTML that asks the network for nothing."""
    notebook.metadata.pop("widgets", None)  # a page has no kernel, and the code that draws widgets is on a CDN
    known = set(HTMLExporter.class_trait_names())
    exporter = HTMLExporter(**{name: "" for name in ADDRESSES if name in known})
    html, _ = exporter.from_notebook_node(notebook, resources={"metadata": {"name": title}})
    return html


def main() -> int:
    source, folder = Path(sys.argv[1]), Path(sys.argv[2])
    print(f"Running {source} ...", flush=True)
    try:
        notebook = execute(source)
    except CellExecutionError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n\n".join(["", *reports(notebook)]))
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{source.stem}.html"
    target.write_text(page(notebook, source.stem), encoding="utf-8")
    print(f"\nThe whole notebook with its reports: {target.resolve()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
