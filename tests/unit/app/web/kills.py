"""A server that is killed while a reader draws: what was stored against what was drawn."""

import http.client
import threading

import numpy as np

from unit.app.web.real_server import free_port, nursery

SIZE = 24 * 20 * 6
_GONE = (OSError, http.client.HTTPException)


def drawn_until_killed(folder, kills, rng, *, longest_s=0.25):
    """Kill a study's server again and again in mid-stroke.

    Parameters
    ----------
    folder : of the study.
    kills : how often.
    rng : chooses what is drawn and when the server dies.
    longest_s : from the first stroke of a life to its end.

    Returns
    -------
    How many strokes each kill lost; how many the server had answered in each life.
    """
    port, strokes, lost, answered, sent, known = str(free_port()), [], [], [], 0, 0
    with nursery() as serve:
        for life in range(kills + 1):
            server = serve(folder, "ann", "--port", port)
            reader = server.reader()
            case = reader.next()
            status, document = reader.open(case, "tab", take=True)
            assert status == 200
            stored = document["masks"].get("T2WI", {"revision": 0, "runs": []})
            revision = stored["revision"]
            assert known <= revision <= sent  # nothing that was answered is lost, and nothing else is there
            lost.append(sent - revision)
            del strokes[revision:]
            np.testing.assert_array_equal(_mask_of(stored["runs"]), _mask_of(strokes))
            timer = threading.Timer(rng.uniform(0.01, longest_s), server.process.kill)
            timer.start()
            if life < kills:
                sent, known = _draw(reader, case, strokes, rng)
                answered.append(known - revision)
            timer.join()
            server.process.wait()
            reader.connection.close()
    return lost[1:], answered


def _draw(reader, case, strokes, rng):
    """Draw until nobody answers; how many strokes were sent in all, and how many answered."""
    while True:
        run = [int(rng.integers(SIZE - 30)), int(rng.integers(1, 30)), 3 * int(rng.random() < 0.7)]
        known = len(strokes)
        strokes.append(run)
        try:
            status, answer = reader.stroke(case, "tab", known, [run])
        except _GONE:
            return len(strokes), known
        assert (status, answer) == (200, {"revision": known + 1})


def _mask_of(runs):
    mask = np.zeros(SIZE, np.uint8)
    for start, length, code in runs:
        mask[start : start + length] = code
    return mask
