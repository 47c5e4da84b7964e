"""A reading room in memory, as the web server needs one; and a process that serves it."""

import sys
import threading
from pathlib import Path

import numpy as np

from radstudy.app.reading.links import PersonalLink
from radstudy.app.web.listening import Listening
from radstudy.app.web.needs import CaseImages, ConflictError, ImageFile, IncompleteError, UnknownError
from radstudy.app.web.preparations import RunRecords, Steps
from radstudy.app.web.running import Entrance
from radstudy.app.web.server import Behind, serve
from radstudy.app.web.volumes import ServedImages
from radstudy.formats.raster import write_raster

SHAPE = (12, 10, 5)
AFFINE = np.array([[-1.1, 0, 0, 20], [0, 1.2, 0, -30], [0, 0, 4.0, 7], [0, 0, 0, 1]])
CASES = {
    ("anna", "masks"): ["M-AAAA", "M-BBBB"],
    ("anna", "characteristics"): ["C-AAAA"],
    ("boris", "masks"): ["M-CCCC"],
    ("cara", "arbitration"): ["A-AAAA"],
}


class MemoryLinks:
    """Links in a list."""

    def __init__(self):
        self.kept = []

    def links(self):
        return tuple(self.kept)

    def add_link(self, link):
        self.kept.append(link)

    def revoke_link(self, link_id, at):
        self.kept = [PersonalLink(**{**vars(one), "revoked_at": at}) if one.id == link_id else one for one in self.kept]


class MemoryRoom:
    """What `needs.Room` asks for."""

    study = "Memory study"

    def __init__(self, folder):
        self.links = MemoryLinks()
        self.folder = folder
        self.tabs, self.masks, self.closed, self.called, self.was_shut = {}, {}, set(), [], False
        self._lock = threading.Lock()

    def readers(self):
        return ("anna", "boris", "cara")

    def tasks_of(self, reader):
        return tuple(task for name, task in CASES if name == reader)

    def progress_of(self, reader):
        return [{"task": task, "closed": sum(one in self.closed for one in CASES[reader, task]),
                 "total": len(CASES[reader, task])} for task in self.tasks_of(reader)]  # fmt: skip

    def still_reads(self, reader):
        return any(set(ids) - self.closed for (name, _), ids in CASES.items() if name == reader)

    def worklist(self, reader, task):
        cases = [{"id": one, "status": "closed" if one in self.closed else "waiting"} for one in CASES[reader, task]]
        return {"cases": cases, "next": next((one["id"] for one in cases if one["status"] == "waiting"), None)}

    def _known(self, case):
        if case.id not in CASES.get((case.reader, case.task), ()):
            raise UnknownError("there is no such case")

    def _held(self, case, tab):
        self._known(case)
        if self.tabs.get(case) != tab:
            raise ConflictError("another tab has this case", {"held": True})

    def open_case(self, case, *, tab, take):
        self._known(case)
        with self._lock:
            if self.tabs.get(case, tab) != tab and not take:
                raise ConflictError("another tab has this case", {"held": True})
            self.tabs[case] = tab
        masks = {one: {"revision": len(strokes), "runs": []} for one, strokes in self.masks.get(case, {}).items()}
        return {"id": case.id, "task": case.task, "masks": masks}

    def images(self, case):
        self._known(case)
        if case.id == "M-BBBB":
            return CaseImages((ImageFile("T2WI", self.folder / "missing.nii.gz"),))
        phases = [ImageFile(f"DCE{n}", self.folder / f"DCE{n}.nii.gz", of_study=n in (3, 7), seconds=n * 60.0)
                  for n in (3, 7, 1)]  # fmt: skip
        return CaseImages((ImageFile("T2WI", self.folder / "T2WI.nii.gz"), *phases))

    def stroke(self, case, tab, stroke):
        with self._lock:
            self._held(case, tab)
            strokes = self.masks.setdefault(case, {}).setdefault(stroke.sequence, [])
            if stroke.revision != len(strokes):
                raise ConflictError("the mask is further", {"revision": len(strokes), "runs": [[0, 1, 1]]})
            strokes.append(stroke)
            return len(strokes)

    def compute(self, case, request):
        self._known(case)
        return [[3, 2, 7]]

    def save_answers(self, case, tab, answers):
        self._held(case, tab)
        self.called.append(("answers", answers))
        return answers.revision + 1

    def lock_answers(self, case, tab):
        self._held(case, tab)
        return {
            "locked": True,
            "frozen": True,
            "first": {"values": {}},
            "hidden": {"max_diameter_cm": 1.5},
            "others": [],
        }

    def lesion(self, case):
        self._known(case)
        mask = np.zeros(SHAPE, bool)
        mask[2:4, 3, 1] = True
        return "DCE3", mask

    def close_case(self, case, tab):
        self._held(case, tab)
        if case.task == "characteristics":
            missing = {"what": "missing", "text": "Margin is not answered", "item": "margin", "sequence": ""}
            raise IncompleteError("answers are missing", {"missing": [missing]})
        self.closed.add(case.id)
        return {"closed": True, "measures": {"voxels": 3}}

    def skip_case(self, case, tab):
        self._held(case, tab)

    def pause_case(self, case, tab):
        self._held(case, tab)
        del self.tabs[case]

    def lead_progress(self):
        return {"readers": list(self.readers())}

    def lead_agreement(self):
        return {"dice": [float("nan"), 0.5]}

    def lead_disagreements(self):
        return {"cases": []}

    def reopen(self, **what):
        self.called.append(("reopen", what))
        return {}

    def begin_anew(self, **what):
        self.called.append(("anew", what))
        return {}

    def note_outcomes_opened(self, **what):
        self.called.append(("opened", what))
        return {}

    def lesion_of_study(self, *, patient, lesion):
        if (patient, lesion) != ("P1", "1"):
            raise UnknownError("the study has no such lesion")
        return {"target": {"side": "left"}, "arrow": None}, CaseImages(
            (ImageFile("T2WI", self.folder / "T2WI.nii.gz"),)
        )

    def place_arrow(self, **what):
        self.called.append(("arrow", what))
        return {}

    def export(self):
        raise RuntimeError("patient Huber of /data/Huber/t2.nii.gz")

    def take_in(self, **what):
        self.called.append(("takein", {**what, "content": what["file"].read_bytes()}))
        return {"voxels": 1}

    def shut(self):
        self.was_shut = True


def write_images(folder):
    """T2WI and three phases of one series; their voxels by name."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(1)
    voxels = {name: random.integers(0, 900, SHAPE).astype(np.int16) for name in ("T2WI", "DCE1", "DCE3", "DCE7")}
    for name, one in voxels.items():
        write_raster(folder / f"{name}.nii.gz", one, AFFINE)
    return voxels


def behind(folder, steps=()):
    """Room and images of a folder."""
    study = Steps(tuple(steps), None, folder / "cache")
    images = ServedImages(study, RunRecords(folder / "no-run", None), windows={"T2WI": [[10, 700]]})
    return Behind(MemoryRoom(folder), images, {"entry": {"title": "Reading"}})


def static_of(folder):
    """A folder of pages."""
    (folder / "deep").mkdir(parents=True, exist_ok=True)
    (folder / "room.html").write_text("<!doctype html><title>room</title>")
    (folder / "main.js").write_text("export const one = 1;\n")
    (folder / "deep" / "a.css").write_text("p { color: white; }\n")
    (folder / "secret.txt").write_text("not a page")
    return folder


if __name__ == "__main__":
    place, reader, task, *options = sys.argv[1:]
    given = dict(option.split("=", 1) for option in options)

    def opening():
        """Open it, and leave a mark when it is shut."""
        opened = behind(Path(place) / "images")
        shut = opened.room.shut

        def mark():
            shut()
            (Path(place) / "shut").write_text("shut")

        opened.room.shut = mark
        return opened

    serve(
        Path(place) / "reading", opening, Entrance("reader", reader, task),
        listening=Listening(port=int(given.get("port", 0))), browser=given.get("browser") == "yes",
        static=Path(place) / "static", say=lambda line: print(line, file=sys.stderr, flush=True),
    )  # fmt: skip
