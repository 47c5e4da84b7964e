"""The generated pages, written into docs/ before a build; none of them is kept in the repository."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from website.about import about_pages
from website.commands import command_pages
from website.features import feature_pages
from website.numbers import number_pages
from website.reference import reference_pages
from website.settings import setting_pages

FOLDERS = ("reference", "features", "numbers", "about")
"""Folders of docs/ that hold generated pages alone."""


def all_pages(repository: Path) -> dict[str, str]:
    """Every generated page: its file below docs/ and its text."""
    return {
        **reference_pages(),
        **command_pages(),
        **setting_pages(),
        **feature_pages(repository),
        **number_pages(repository),
        **about_pages(repository),
    }


def write_pages(docs: str | Path) -> None:
    """Write the generated pages that have changed, and remove those that are no more."""
    folder = Path(docs)
    pages = all_pages(folder.parent)
    _remove_others(folder, pages)
    for name, text in pages.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.is_file() or file.read_text(encoding="utf-8") != text:  # Sphinx reads again what is newer
            file.write_text(text, encoding="utf-8", newline="\n")


def _remove_others(folder: Path, pages: Mapping[str, str]) -> None:
    for name in FOLDERS:
        for file in (folder / name).rglob("*"):
            if file.suffix in (".md", ".rst") and file.relative_to(folder).as_posix() not in pages:
                file.unlink()
