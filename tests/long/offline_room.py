"""A reader's whole way through the pages of a real server, in a browser; prints what it took as JSON.

Run as a process, in a network of its own where that is asked for: ``python offline_room.py FOLDER [alone]``.
"""

import fcntl
import json
import os
import socket
import struct
import sys
from pathlib import Path

import numpy as np
from playwright import sync_api

from unit.app.static.pages import CHROMIUM, wait_for
from unit.app.web.real_server import _children, _resident, served

_SIOCGIFFLAGS, _SIOCSIFFLAGS, _UP = 0x8913, 0x8914, 0x1


def bring_up_loopback():
    """Switch on the loopback of a network that has nothing else."""
    interfaces = [name for _, name in socket.if_nameindex()]
    assert interfaces == ["lo"], interfaces
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        asked = struct.pack("16sh14x", b"lo", 0)
        (flags,) = struct.unpack_from("h", fcntl.ioctl(sock, _SIOCGIFFLAGS, asked), 16)
        fcntl.ioctl(sock, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _UP))


def browser_memory():
    """Bytes of memory of the browser: of all processes that this one has started but the server's."""
    return sum(_resident(pid) for pid in _children(os.getpid()) if "chromium" in _name(pid))


def _name(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").partition("\0")[0]
    except OSError:
        return ""


def room_is_ready(page):
    """Wait until a case is shown."""
    wait_for(lambda: page.evaluate("Boolean(window.radstudyRoom?.ready)"), "the room")


def enter_case(page):
    """Go on with the case that was begun, or begin the first one; it is taken over from a browser that is gone."""
    page.locator("button.primary").first.click()
    wait_for(
        lambda: page.evaluate("Boolean(window.radstudyRoom?.ready)") or page.get_by_text("Take over").count(), "a case"
    )
    if page.get_by_text("Take over").count():
        page.get_by_text("Take over").click()
    room_is_ready(page)


def mask_of(page):
    """Indices of the voxels that are drawn on the sequence in view."""
    name = page.evaluate("window.radstudyRoom.sequence")
    script = "name => [...window.radstudyRoom.codes(name)].flatMap((code, at) => (code > 0 ? [at] : []))"
    return np.array(page.evaluate(script, name), int)


def draw(page, at=(0.5, 0.5), radius=24, *, lift=True):
    """Draw a contour with the mouse; its button stays down in mid-stroke."""
    name = page.evaluate("window.radstudyRoom.sequence")
    box = page.locator(f'.view[data-sequence="{name}"] canvas.top').first.bounding_box()
    x, y = box["x"] + at[0] * box["width"], box["y"] + at[1] * box["height"]
    page.mouse.move(x - radius, y - radius)
    page.mouse.down()
    for dx, dy in ((1, -1), (1, 1), (-1, 1), (-1, -1)):
        page.mouse.move(x + dx * radius, y + dy * radius, steps=6)
    if lift:
        page.mouse.up()


def stored(page):
    """Wait until the server has all strokes."""
    wait_for(lambda: page.evaluate("window.radstudyRoom.waiting") == 0, "the strokes to be stored")


def way(folder):
    """Enter, open the first case, draw, leave it and come back."""
    with served(Path(folder), "ann") as server, sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        asked, complaints = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.goto(f"{server.address}/#{server.token}")
        page.locator("button.primary").first.click()
        room_is_ready(page)
        address = page.url
        draw(page)
        stored(page)
        name = page.evaluate("window.radstudyRoom.sequence")
        voxels = page.evaluate("name => window.radstudyRoom.codes(name).reduce((n, code) => n + (code > 0), 0)", name)
        page.reload()
        room_is_ready(page)
        again = page.evaluate("name => window.radstudyRoom.codes(name).reduce((n, code) => n + (code > 0), 0)", name)
        figures = {
            "voxels": voxels, "again": again, "address": address, "token": server.token, "complaints": complaints,
            "foreign": [url for url in asked if not url.startswith((f"{server.address}/", "blob:", "data:"))],
            "requests": len(asked), "server": server.resident(), "browser": browser_memory(),
            "heap": page.evaluate("performance.memory?.usedJSHeapSize ?? 0"),
            "cookies": page.context.cookies(), "script_cookies": page.evaluate("document.cookie"),
        }  # fmt: skip
        browser.close()
    return figures


if __name__ == "__main__":
    if "alone" in sys.argv:
        bring_up_loopback()
    print(json.dumps(way(sys.argv[1])))
