"""The report's PDF: printed by a real browser, and by none in silence."""

import os
import stat
import sys
import time
from pathlib import Path

import pytest

from radstudy.errors import ProcessError, UsageError
from radstudy.report import pdf
from radstudy.report.pdf import browsers, print_pdf

PAGE = """<!doctype html><title>t</title><style>@page {size: A4} p {break-after: page}</style>
<p>one<p>two<p>three<img src="http://example.org/never.png">"""
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="scripts in the place of a browser")


@pytest.fixture
def page(tmp_path):
    file = tmp_path / "a report's folder, 50 %" / "report.html"
    file.parent.mkdir()
    file.write_text(PAGE, encoding="utf-8")
    return file


def only(monkeypatch, *found):
    monkeypatch.setattr(pdf, "browsers", lambda: iter(found))


def script(folder, text):
    file = folder / "browser"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file


def test_a_browser_prints_every_page_and_leaves_nothing_else(page):
    if next(browsers(), None) is None:
        assert not os.environ.get("RADSTUDY_REQUIRE_BROWSER"), "no browser that prints"
        pytest.skip("no browser that prints")
    target = page.with_name("report.pdf")
    target.write_bytes(b"an older one")
    printer = print_pdf(page, target)
    content = target.read_bytes()
    assert Path(printer).exists() and content.startswith(b"%PDF")
    assert content.count(b"/Type /Page\n") == 3
    assert sorted(file.name for file in page.parent.iterdir()) == ["report.html", "report.pdf"]


@POSIX
@pytest.mark.parametrize(("does", "says"), [("echo no display >&2", "no display"), ("exit 3", "it said nothing")])
def test_a_browser_that_prints_nothing_is_an_error_and_the_former_pdf_stays(page, tmp_path, monkeypatch, does, says):
    only(monkeypatch, script(tmp_path, does))
    target = page.with_name("report.pdf")
    target.write_bytes(b"an older one")
    with pytest.raises(ProcessError, match=rf"could not print .*report\.html: {says}.*Ctrl\+P"):
        print_pdf(page, target)
    assert target.read_bytes() == b"an older one"


@POSIX
def test_a_browser_that_hangs_is_ended_with_what_it_has_started(page, tmp_path, monkeypatch):
    mark = tmp_path / "alive"
    only(monkeypatch, script(tmp_path, f"(while true; do touch {mark}; sleep 0.05; done) & sleep 60"))
    with pytest.raises(ProcessError, match=r"it did not end within 0\.5 s"):
        print_pdf(page, page.with_name("report.pdf"), patience_s=0.5)
    time.sleep(0.2)
    mark.unlink()
    time.sleep(0.3)
    assert not mark.exists()


def test_without_browser_and_weasyprint_it_says_what_to_install(page, monkeypatch):
    only(monkeypatch)
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(UsageError, match=r"Edge, Chrome or Chromium print.*radstudy\[pdf\].*report\.html"):
        print_pdf(page, page.with_name("report.pdf"))


def test_a_report_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"there is no report. To do: radstudy run"):
        print_pdf(tmp_path / "report.html", tmp_path / "report.pdf")
