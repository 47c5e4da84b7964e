"""Opens the browser at a link whose token no other user of the computer sees.

A browser is started with an address, and every user may list the processes of a computer with their arguments. So it is
given the address of a file that only its owner may read, and that sends it on to the link.
"""

from __future__ import annotations

import secrets
import threading
import time
import webbrowser
from html import escape
from pathlib import Path

from radstudy.store import write_text

_KEPT_S = 20.0  # the file stays so long: a browser that has to be started takes its time
_NAME = "open-{}.html"


class Opened:
    """A link that the browser is being sent to.

    Parameters
    ----------
    url : the link.
    folder : for the file; not a hidden one, since packaged browsers may not read those.
    """

    def __init__(self, url: str, folder: Path) -> None:
        self._file = folder / _NAME.format(secrets.token_hex(8))
        page = f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={escape(url)}">\n'
        write_text(self._file, page, private=True)
        self._timer = threading.Timer(_KEPT_S, self.remove)
        self._timer.daemon = True

    def show(self) -> bool:
        """Open the browser; False where there is none."""
        shown = webbrowser.open(self._file.resolve().as_uri())
        if shown:
            self._timer.start()
        else:
            self.remove()
        return shown

    def wait(self) -> None:
        """Wait until the browser has had its time to read the file."""
        until = time.monotonic() + _KEPT_S
        while self._file.exists() and time.monotonic() < until:
            time.sleep(0.1)
        self.remove()

    def remove(self) -> None:
        """Remove the file."""
        self._timer.cancel()
        self._file.unlink(missing_ok=True)


def remove_left(folder: Path) -> None:
    """Remove files of servers that were killed: their links have ended with them."""
    for file in folder.glob(_NAME.format("*")):
        file.unlink(missing_ok=True)
