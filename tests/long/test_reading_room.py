"""The reading room endures: killed servers, two readers at once for ten minutes, memory with large images.

Figures are printed. ``RADSTUDY_READING_KILLS`` says how many kills (50), ``RADSTUDY_READING_MINUTES`` how long two
readers draw (10), ``RADSTUDY_BROWSER_KILLS`` how often the browser is killed (20).
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Error, sync_playwright

from long.offline_room import draw, enter_case, mask_of, stored
from unit.app.static.pages import CHROMIUM, kill_browser
from unit.app.web.kills import drawn_until_killed
from unit.app.web.real_server import SOURCE, link_for, served, write_study

pytestmark = pytest.mark.long
BROWSER_KILLS = int(os.environ.get("RADSTUDY_BROWSER_KILLS", "20"))
KILLS = int(os.environ.get("RADSTUDY_READING_KILLS", "50"))
MINUTES = float(os.environ.get("RADSTUDY_READING_MINUTES", "10"))
SHAPE, PATIENTS = (320, 320, 104), 4
WARM_S, CASE_S, PAUSE_S = 60.0, 12.0, 0.15
MIB = 1 << 20


def test_a_server_killed_in_mid_stroke_loses_at_most_the_last_stroke(tmp_path, capsys):
    lost, answered = drawn_until_killed(write_study(tmp_path, prepare=False), KILLS, np.random.default_rng(16))
    with capsys.disabled():
        print(f"\n{KILLS} kills: {sum(answered)} strokes answered, {sum(lost)} lost, at most {max(lost)} by a kill; "
              f"{sum(count > 0 for count in answered)} kills after a stored stroke")  # fmt: skip
    assert len(lost) == KILLS and max(lost) <= 1


def lesion(rng, slice_index):
    """Runs of a round lesion of about 550 voxels on a slice."""
    i0, j0, radius = *rng.integers(60, 260, 2), 13
    return [
        [int(i0 - half + SHAPE[0] * (j0 + j + SHAPE[1] * slice_index)), 2 * half + 1, 3]
        for j in range(-radius, radius + 1) if (half := int(np.sqrt(radius**2 - j**2))) >= 0
    ]  # fmt: skip


class Working(threading.Thread):
    """A reader who opens cases, loads their images, draws, answers, and goes to the next, until told to stop."""

    def __init__(self, reader, seed, stop):
        super().__init__(daemon=True)
        self.reader, self.rng, self.stop, self.error, self.times = reader, np.random.default_rng(seed), stop, None, []

    def run(self):
        """Work."""
        try:
            while not self.stop.is_set():
                self._case()
        except Exception as error:  # shown by the test
            self.error = error

    def _timed(self, kind, ask):
        status, content = ask()
        assert status == 200, (kind, status, content)
        self.times.append((time.monotonic(), kind, self.reader.seconds[-1]))
        return content

    def _case(self):
        case = self.reader.next()
        document = self._timed("open", lambda: self.reader.open(case, "tab"))
        known = {name: mask["revision"] for name, mask in document["masks"].items()}
        answers = document["answers"]["revision"]
        for name in ("T2WI", "DWI"):
            for kind in ("acquired", "prepared"):
                octets = self._timed("volume", lambda n=name, k=kind: self.reader.ask("GET", f"{case}/volume/{n}/{k}"))
                assert len(octets) >= 2 * np.prod(SHAPE)
        until = time.monotonic() + CASE_S
        while time.monotonic() < until and not self.stop.is_set():
            name = ("T2WI", "DWI")[int(self.rng.integers(2))]
            runs = lesion(self.rng, int(self.rng.integers(SHAPE[2])))
            sent = known.get(name, 0)
            answer = self._timed("stroke", lambda n=name, r=sent, s=runs: self.reader.stroke(case, "tab", r, s, n))
            known[name] = answer["revision"]
            if self.rng.random() < 0.3:
                body = {"tab": "tab", "revision": answers, "values": {"comment": str(self.rng.random())}}
                given = self._timed("answers", lambda b=body: self.reader.ask("POST", f"{case}/answers", b))
                answers = given["revision"]
            time.sleep(PAUSE_S)
        self._timed("skip", lambda: self.reader.ask("POST", f"{case}/skip", {"tab": "tab"}))


def of_minute(times, start):
    """Kind of request to median and 95th percentile in ms, and number, within a minute."""
    kinds = {}
    for at, kind, seconds in times:
        if start <= at < start + 60:
            kinds.setdefault(kind, []).append(1000 * seconds)
    return {kind: (*np.percentile(ms, (50, 95)).round(1).tolist(), len(ms)) for kind, ms in sorted(kinds.items())}


def test_two_readers_at_once_find_the_server_as_quick_and_as_small_at_the_end(tmp_path, capsys):
    folder = write_study(tmp_path, shape=SHAPE, patients=PATIENTS)
    with served(folder, "ann") as server:
        idle = server.resident()
        stop = threading.Event()
        readers = [server.reader(), server.reader(link_for(folder, "--reader", "bea"))]
        working = [Working(reader, seed, stop) for seed, reader in enumerate(readers)]
        for one in working:
            one.start()
        time.sleep(WARM_S)  # every image has been asked for once
        begin, sizes = time.monotonic(), []
        while (now := time.monotonic()) < begin + 60 * MINUTES and all(one.is_alive() for one in working):
            sizes.append((now, server.resident(), server.processor_s()))
            time.sleep(2)
        end = time.monotonic()
        stop.set()
        for one in working:
            one.join(60)
        assert [one.error for one in working] == [None, None]
    times = [each for one in working for each in one.times]
    first, last = of_minute(times, begin), of_minute(times, end - 60)
    early = np.median([size for at, size, _ in sizes if at < begin + 60]) / MIB
    late = np.median([size for at, size, _ in sizes if at >= end - 60]) / MIB
    with capsys.disabled():
        print(f"\n{MINUTES:g} minutes, two readers, {PATIENTS} patients of 2 sequences of {SHAPE}")
        print("p50 and p95 in ms, number:", json.dumps({"first minute": first, "last minute": last}, indent=1))
        print(f"memory: idle {idle / MIB:.0f}, first minute {early:.0f}, last minute {late:.0f}, "
              f"most {max(size for _, size, _ in sizes) / MIB:.0f} MiB")  # fmt: skip
    # the clock also tells how busy the computer was; the processor's time is the server's own
    spent = [_processor_ms(sizes, times, start) for start in (begin, end - 60)]
    with capsys.disabled():
        print(f"processor time for a request: first minute {spent[0]:.1f}, last minute {spent[1]:.1f} ms; "
              f"load of the computer {os.getloadavg()[1]:.1f} on {os.cpu_count()} processors")  # fmt: skip
    assert late < 1.1 * early
    assert spent[1] < 1.5 * spent[0]


def _processor_ms(sizes, times, start):
    """Processor time of the server for a request, of the minute that begins then."""
    used = [seconds for at, _, seconds in sizes if start <= at < start + 60]
    return 1000 * (used[-1] - used[0]) / sum(start <= at < start + 60 for at, *_ in times)


# --- in a browser -----------------------------------------------------------------------------------------------------

WAY = Path(__file__).with_name("offline_room.py")
IN_A_BROWSER = pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"there is no {CHROMIUM}")


def way_through(folder, *before, alone=False):
    """What a reader's way through the pages took, in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (SOURCE, WAY.parents[1])))}
    command = [*before, sys.executable, str(WAY), str(folder), *(["alone"] if alone else [])]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def without_network():
    """The command that runs another one with a loopback alone; skips the test where that is not permitted."""
    for command in (["unshare", "-n"], ["unshare", "-rn"]):
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            subprocess.run([*command, "true"], capture_output=True, check=True)
            return command
    pytest.skip("this system does not permit a network of one's own (unshare -n)")


@IN_A_BROWSER
def test_the_pages_need_no_network_but_the_loopback(tmp_path):
    told = way_through(write_study(tmp_path), *without_network(), alone=True)
    assert told["foreign"] == [] and told["complaints"] == [] and told["requests"] > 20
    assert told["voxels"] == told["again"] > 0
    assert told["token"] not in told["address"]
    (cookie,) = told["cookies"]
    assert cookie["httpOnly"] and cookie["sameSite"] == "Strict" and told["script_cookies"] == ""


@IN_A_BROWSER
def test_a_browser_killed_in_mid_stroke_loses_at_most_that_stroke(tmp_path, capsys):
    """The strokes before are there when the reader comes back, the one that was ended just then is, or is not."""
    folder, profile, rng = write_study(tmp_path, prepare=False), tmp_path / "profile", np.random.default_rng(16)
    begun, ended = [], []
    with served(folder, "ann") as server, sync_playwright() as playwright:
        options = {"executable_path": CHROMIUM, "args": ["--no-sandbox"], "viewport": {"width": 1366, "height": 768}}
        expected = None
        for number in range(BROWSER_KILLS + 1):
            context = playwright.chromium.launch_persistent_context(str(profile), **options)
            page = context.new_page()
            page.goto(f"{server.address}/#{link_for(folder, '--reader', 'ann')}")
            enter_case(page)
            stored(page)
            after = mask_of(page)
            if expected is not None:
                assert any(np.array_equal(after, one) for one in expected), f"kill {number}: a stroke before it is lost"
                ended.append(len(expected) == 1 or np.array_equal(after, expected[1]))
            if number == BROWSER_KILLS:
                context.close()
                break
            for _ in range(2):
                draw(page, at=tuple(rng.uniform(0.35, 0.65, 2)), radius=int(rng.integers(10, 40)))
            before = mask_of(page)
            if number % 3 == 0:
                stored(page)
            in_mid_stroke = number % 2 == 0
            draw(page, at=tuple(rng.uniform(0.35, 0.65, 2)), radius=int(rng.integers(10, 40)), lift=not in_mid_stroke)
            expected = [before] if in_mid_stroke else [before, mask_of(page)]
            begun.append(not in_mid_stroke)
            kill_browser(profile)
            with contextlib.suppress(Error):
                context.close()
    with capsys.disabled():
        kept = sum(after and ended_before for after, ended_before in zip(ended, begun, strict=True))
        print(f"\n{BROWSER_KILLS} kills: {sum(not one for one in begun)} in mid-stroke, {sum(begun)} right after one, "
              f"{kept} of these kept")  # fmt: skip


@IN_A_BROWSER
def test_memory_with_large_images(tmp_path, capsys):
    told = way_through(write_study(tmp_path, shape=SHAPE, patients=1))
    with capsys.disabled():
        print(f"\n{SHAPE}, 2 sequences, acquired and prepared: server {told['server'] / MIB:.0f} MiB, all processes "
              f"of the browser {told['browser'] / MIB:.0f}, heap of the page {told['heap'] / MIB:.0f} MiB")  # fmt: skip
    assert told["voxels"] == told["again"] > 0
    assert told["server"] < 1500 * MIB
