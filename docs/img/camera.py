"""Pictures of pages for the documents: a server of its own, and a browser's window as a small PNG."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

STEP = 6  # of each colour channel: smaller files, and no hue is lost


@contextmanager
def served(name: str, *arguments: str | Path) -> Iterator[str]:
    """The link that `radstudy NAME` prints, while it serves."""
    command = [sys.executable, "-m", "radstudy", name, *map(str, arguments), "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


class Camera:
    """Saves pictures of a page.

    Parameters
    ----------
    page : to be photographed.
    size : of its window, in pixels.
    folder : of the pictures.
    """

    def __init__(self, page: Page, size: tuple[int, int], folder: Path) -> None:
        self.page, self.size, self.folder = page, size, folder

    def take(self, name: str) -> None:
        """Write a picture of few colours; text and grey images do not need more."""
        file = self.folder / f"{name}_{self.size[0]}x{self.size[1]}.png"
        self.page.mouse.move(1, self.size[1] - 1)
        time.sleep(0.4)
        self.page.screenshot(path=file)
        with Image.open(file) as picture:
            few = picture.convert("RGB").point(lambda level: level // STEP * STEP)
        few.save(file, optimize=True)
        print(f"{file.name}: {file.stat().st_size / 1000:.0f} kB")
