"""Pages that show files of the repository outside docs/."""

from __future__ import annotations

from pathlib import Path

from website.markdown import contents
from website.outside import led_inside

_FILES = {"about/architecture": "ARCHITECTURE.md", "about/changelog": "CHANGELOG.md"}


def about_pages(repository: Path) -> dict[str, str]:
    """The architecture and the changelog, and the page that leads to them."""
    pages = {
        f"{page}.md": led_inside((repository / file).read_text(encoding="utf-8"), page, ".")
        for page, file in _FILES.items()
    }
    text = "# About\n\nradstudy is for research. It is not a medical device. Its licence is Apache-2.0.\n\n"
    return {"about/index.md": text + contents([Path(page).name for page in _FILES]) + "\n", **pages}
