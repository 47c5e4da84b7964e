"""What the site adds to Sphinx."""

from __future__ import annotations

from typing import Any

from website.mathml import block_formula, inline_formula
from website.outside import lead_inside
from website.pages import write_pages


def setup(app: Any) -> dict[str, bool]:
    """Tell Sphinx of all that the site adds to it."""
    app.add_html_math_renderer("mathml", inline_renderers=(inline_formula, None), block_renderers=(block_formula, None))
    app.connect("config-inited", _write, priority=100)
    app.connect("source-read", lead_inside)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _write(app: Any, config: Any) -> None:
    write_pages(app.srcdir)
