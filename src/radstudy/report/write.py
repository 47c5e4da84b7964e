"""Write the report of a run: report.html, its tables and its figures."""

from __future__ import annotations

from pathlib import Path

from radstudy.protocol import Protocol
from radstudy.store import write_text


def write_report(protocol: Protocol, run: Path) -> Path:
    """Write ``run/report.html``; returns its path."""
    page = run / "report.html"
    write_text(page, f"<!doctype html><title>{protocol.study}</title>")
    return page
