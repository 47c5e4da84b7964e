"""Links from docs/ to files outside it: on GitHub they open the file, on the site the page that shows it."""

from __future__ import annotations

import re
from posixpath import dirname, join, normpath, relpath
from typing import Any

SHOWN = {
    "README.md": "index",
    "ARCHITECTURE.md": "about/architecture",
    "CHANGELOG.md": "about/changelog",
    "benchmarks/README.md": "numbers/benchmarks",
}
"""Files outside docs/ to the page that shows them."""

_LINK = re.compile(r"(\]\()([^)#\s]+)(#[^)\s]*)?\)")


def lead_inside(app: Any, page: str, source: list[str]) -> None:
    """Let the links of a page to files outside docs/ lead to pages of the site."""
    source[0] = led_inside(source[0], page)


def led_inside(text: str, page: str, folder: str = "docs") -> str:
    """The text of a page whose links to files outside docs/ lead to pages of the site.

    Parameters
    ----------
    text : Markdown.
    page : its place on the site, without ending.
    folder : of the text in the repository: "docs", or the folder of a file that stands outside it.

    Examples
    --------
    >>> led_inside("[speed](../benchmarks/README.md#n4)", "statistics")
    '[speed](numbers/benchmarks.md#n4)'
    >>> led_inside("[N4](../docs/n4.md)", "numbers/benchmarks", "benchmarks")
    '[N4](../n4.md)'
    """
    here = dirname(page) or "."
    base = join(folder, here) if folder == "docs" else folder

    def led(match: re.Match[str]) -> str:
        start, target, anchor = match.group(1), match.group(2), match.group(3) or ""
        if "://" in target or target.startswith("mailto:"):
            return match.group(0)
        file = normpath(join(base, target))
        if file in SHOWN:
            file = f"docs/{SHOWN[file]}.md"
        elif folder == "docs":
            return match.group(0)
        return f"{start}{relpath(file, join('docs', here))}{anchor})" if file.startswith("docs/") else match.group(0)

    return _LINK.sub(led, text)
