#!/bin/sh
# Bring a Chromium for the browser tests: chromium.sh PYTHON. By apt as root on Debian, else by Playwright.
set -u
python=$1

# A snap's stub is on the path and cannot run in a container, so each one is asked for its version.
works() {
    for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable; do
        [ -n "$name" ] && "$name" --version >/dev/null 2>&1 && return 0
    done
    "$python" - <<'PYTHON' 2>/dev/null
import pathlib
import sys

from playwright.sync_api import sync_playwright

with sync_playwright() as playwright:
    sys.exit(not pathlib.Path(playwright.chromium.executable_path).exists())
PYTHON
}

works && exit 0
echo "Installing Chromium for the browser tests ..."
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null
fi
works && exit 0
"$python" -m playwright install chromium
works && exit 0

cat >&2 <<'MESSAGE'
************************************************************************
  No Chromium could be installed: THE BROWSER TESTS DO NOT RUN.
  As root on Debian: apt-get install chromium
  Elsewhere:         .venv/bin/playwright install chromium
************************************************************************
MESSAGE
[ "${CI:-}" = true ] && exit 1
exit 0
