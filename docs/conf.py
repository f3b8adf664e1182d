"""How Sphinx builds these pages. The rule pages, the options and the notebooks are made from their sources first."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from generate_pages import write_pages

from onnxmagic import __version__

write_pages(HERE)

project = "onnxmagic"
author = "the onnxmagic authors"
release = version = __version__
extensions = ["myst_nb"]
exclude_patterns = ["_build", "generated"]
highlight_language = "python3"
# Headings of a page can be linked to, and the rules' pages use backquotes and definition tables.
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

# The notebooks are stored without outputs, so they are run for the pages; an error in one fails the build.
nb_execution_mode = "auto"
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_merge_streams = True
# No page loads anything from elsewhere: the reports are interactive by themselves, so no widget manager is needed.
nb_ipywidgets_js: dict[str, dict[str, str]] = {}

html_theme = "pydata_sphinx_theme"
html_title = "onnxmagic"
html_show_sourcelink = False
html_theme_options = {
    "show_prev_next": False,
    "header_links_before_dropdown": 6,
    "navbar_persistent": [],
    "navbar_end": ["search-button-field", "theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
}
# Only the rules have pages below them.
html_sidebars = {"*": [], "rules/*": ["sidebar-nav-bs"]}
html_extra_path = ["result.schema.json", "check.schema.json", "shown.schema.json", "diff.schema.json"]
