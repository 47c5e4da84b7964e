"""PDF of the report's page: printed by a browser of the Chromium family that is installed, or else by WeasyPrint.

A browser prints what the screen shows, fonts and figures as vectors. It is started headless with a profile of its own,
and asks nothing of any network: the page is complete.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from radstudy.errors import ProcessError, UsageError
from radstudy.parallel import said_by
from radstudy.store import temporary_folder, write_bytes

PDF, EVIDENCE_PDF = "report.pdf", "report_evidence.pdf"
PATIENCE_S = 180.0
_EVIDENCE = "?print=evidence"  # the page's script hides the other layers
_NAMES = (
    "msedge", "microsoft-edge", "microsoft-edge-stable", "google-chrome", "google-chrome-stable", "chrome", "chromium",
    "chromium-browser",
)  # fmt: skip
_WINDOWS = (r"Microsoft\Edge\Application\msedge.exe", r"Google\Chrome\Application\chrome.exe",
            r"Chromium\Application\chrome.exe")  # fmt: skip
_MAC = (
    "Microsoft Edge.app/Contents/MacOS/Microsoft Edge", "Google Chrome.app/Contents/MacOS/Google Chrome",
    "Chromium.app/Contents/MacOS/Chromium",
)  # fmt: skip
_OFFLINE = ("--disable-background-networking", "--disable-sync", "--disable-component-update", "--no-first-run",
            "--no-default-browser-check", "--host-resolver-rules=MAP * ~NOTFOUND")  # fmt: skip


def print_pdf(page: Path, target: Path, *, evidence: bool = False, patience_s: float = PATIENCE_S) -> str:
    """Print the report to a PDF.

    Parameters
    ----------
    page : the HTML file; it needs no other file.
    target : the PDF; one that is there is replaced once the new one is complete.
    evidence : True for the layer of the evidence, False for the answer and the paper.
    patience_s : how long printing may take.

    Returns
    -------
    The program that printed it.

    Raises
    ------
    UsageError : there is no such page, or neither a browser nor WeasyPrint.
    ProcessError : the browser did not print.
    StorageError : the PDF cannot be written.
    """
    if not page.is_file():
        raise UsageError(f"{page}: there is no report. To do: radstudy run STUDY.yaml first")
    browser = next(browsers(), None)
    if browser is not None:
        write_bytes(target, _printed(browser, page, evidence, patience_s))
        return str(browser)
    write_bytes(target, _by_weasyprint(page, evidence))
    return "WeasyPrint"


def browsers() -> Iterator[Path]:
    """The installed browsers that print without a window: Edge, Chrome, Chromium."""
    places: list[Path] = []
    if sys.platform == "win32":
        roots = [os.environ.get(name, "") for name in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")]
        places = [Path(root) / name for name in _WINDOWS for root in roots if root]
    elif sys.platform == "darwin":
        places = [root / name for name in _MAC for root in (Path("/Applications"), Path.home() / "Applications")]
    for name in _NAMES:
        if (command := shutil.which(name)) is not None:
            yield Path(command)
    yield from (place for place in places if place.is_file())


def _printed(browser: Path, page: Path, evidence: bool, patience_s: float) -> bytes:
    with temporary_folder(beside=page) as folder:  # packaged browsers may read the home folder only
        pdf = Path(folder) / "report.pdf"
        command = [
            str(browser), "--headless=new", "--disable-gpu", f"--user-data-dir={Path(folder) / 'profile'}", *_OFFLINE,
            "--no-pdf-header-footer", f"--print-to-pdf={pdf}", *_as_root(),
            page.resolve().as_uri() + (_EVIDENCE if evidence else ""),
        ]  # fmt: skip
        said = said_by(command, patience_s)
        content = pdf.read_bytes() if pdf.is_file() else b""
    if not content.startswith(b"%PDF"):
        last = (said.strip().splitlines() or ["it said nothing"])[-1]
        raise ProcessError(
            f"{browser} could not print {page}: {last}", "open the page in a browser and print it there (Ctrl+P)"
        )
    return content


def _as_root() -> list[str]:
    """Chromium refuses to run as root with its sandbox; the page is our own."""
    return ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []


def _by_weasyprint(page: Path, evidence: bool) -> bytes:
    try:
        from weasyprint import HTML  # pip install 'radstudy[pdf]'
    except (ImportError, OSError) as error:  # OSError: its libraries are not installed
        raise UsageError(
            "Microsoft Edge, Chrome or Chromium print the PDF, or else WeasyPrint, and none of them is there "
            f"({error}). To do: install one (pip install 'radstudy[pdf]'), or print {page} in another browser (Ctrl+P)"
        ) from error
    text = page.read_text(encoding="utf-8")
    if evidence:  # as the page's script does for a browser
        text = text.replace("<html", '<html data-print="evidence"', 1)
    content = HTML(string=text, base_url=str(page.parent)).write_pdf()
    assert isinstance(content, bytes)
    return content
