#!/bin/sh
# Make a virtual environment: venv.sh PYTHON FOLDER. Says in one line what is missing where it cannot.
set -u
python=$1
folder=$2

if ! command -v "$python" >/dev/null; then
    echo "No '$python' here. Install Python 3.10 or later, or name one: make PYTHON=/path/to/python3 ..." >&2
    exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
    echo "'$python' is $("$python" --version 2>&1); onnxmagic needs Python 3.10 or later: make PYTHON=python3.11 ..." >&2
    exit 1
fi

# Debian ships Python without venv; its package is named after the version.
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    package=python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "'$python' has no venv module. On Debian or Ubuntu: sudo apt-get install $package" >&2
        exit 1
    fi
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$package" || exit 1
fi

exec "$python" -m venv "$folder"
