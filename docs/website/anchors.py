"""Links of the built site that lead nowhere: to a file that is not there, a heading that is not there, or the network.

Run as ``python -m website.anchors SITE`` in docs/; prints what is broken, and ends with 1 if anything is.
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_LOADED = {("script", "src"), ("link", "href"), ("img", "src"), ("source", "src"), ("iframe", "src")}
_NOT_LOADED = frozenset({"canonical", "author", "license", "search", "next", "prev", "index", "genindex"})


class _Page(HTMLParser):
    """The links, the identifiers, and what a browser loads of one page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.names: set[str] = set()
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag refers to."""
        values = dict(attrs)
        self.names.update(value for key in ("id", "name") if (value := values.get(key)))
        if tag == "a" and values.get("href"):
            self.links.append(str(values["href"]))
        for key, value in attrs:
            if (tag, key) in _LOADED and value and values.get("rel") not in _NOT_LOADED:
                self.loaded.append(value)


def broken_links(site: Path) -> list[str]:
    """What leads nowhere, one sentence each: page and link."""
    pages = {file: _Page(file.read_text(encoding="utf-8")) for file in sorted(site.rglob("*.html"))
             if "_static" not in file.parts}  # fmt: skip
    return [
        f"{file.relative_to(site).as_posix()}: {reason}"
        for file, page in pages.items()
        for reason in (*_astray(file, page, pages), *_from_network(file, page))
    ]


def _astray(file: Path, page: _Page, pages: dict[Path, _Page]) -> list[str]:
    reasons = []
    for link in dict.fromkeys(page.links):
        address = urlsplit(link)
        if address.scheme or address.netloc or link in ("#", "#top"):
            continue
        target = (file.parent / unquote(address.path)).resolve() if address.path else file
        if not target.is_file():
            reasons.append(f"{link} is not there")
        elif address.fragment and target in pages and unquote(address.fragment) not in pages[target].names:
            reasons.append(f"{link}: the page has no such heading")
    return reasons


def _from_network(file: Path, page: _Page) -> list[str]:
    reasons = []
    for link in page.loaded:
        address = urlsplit(link)
        if address.scheme == "data":
            continue
        if address.scheme or address.netloc:
            reasons.append(f"{link} is loaded from the network")
        elif not (file.parent / unquote(address.path)).is_file():
            reasons.append(f"{link} is not there")
    return reasons


def main() -> int:
    """Print what leads nowhere in the site that the command names."""
    problems = broken_links(Path(sys.argv[1]).resolve())
    print("\n".join(problems) or "every link leads somewhere")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
