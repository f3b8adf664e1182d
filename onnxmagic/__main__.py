"""``python -m onnxmagic``: the check for a pipeline, where there is no notebook."""

from __future__ import annotations

import sys

from onnxmagic.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
