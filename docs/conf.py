"""Sphinx's settings of the site; `website/` makes what is generated.

``RADSTUDY_DOCS_EXECUTE=1`` runs the notebooks, which takes minutes; without it their code is shown alone.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "src")]

from radstudy import __version__  # noqa: E402 - the path comes first

project = "radstudy"
author = "The radstudy authors"
copyright = author  # noqa: A001 - Sphinx's name
release = version = __version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "website.extension",
]
root_doc = "index"
exclude_patterns = ["website", "img/**/*.py", "_build"]
highlight_language = "text"
default_role = "literal"  # docstrings put names into single backticks
nitpicky = False  # types in docstrings are words, not names

autosummary_generate = False
autodoc_typehints = "none"  # the docstring has them, with shape and unit
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

myst_heading_anchors = 4  # the anchors that GitHub gives
myst_enable_extensions = ["colon_fence"]
nb_execution_mode = "force" if os.environ.get("RADSTUDY_DOCS_EXECUTE") else "off"
nb_execution_timeout = 900
nb_execution_raise_on_error = True
nb_execution_in_temp = True
nb_execution_show_tb = True

math_renderer = "mathml"
html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_title = "radstudy"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_show_search_summary = False  # it would fetch pages, which browsers forbid for files
html_context = {"default_mode": "auto"}
html_sidebars = {"index": []}
html_theme_options = {
    "navbar_align": "left",
    "header_links_before_dropdown": 7,
    "show_prev_next": True,
    "navigation_with_keys": False,
    "show_toc_level": 1,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
