"""A DICOMweb server and a PACS in this process, over the files of a folder, and what may go wrong with them."""

import importlib.util
import json
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pydicom.dataset import Dataset

from radstudy.intake.dicomweb import DicomWeb
from radstudy.intake.dimse import Dimse

TAGS = {"StudyInstanceUID": "0020000D", "SeriesInstanceUID": "0020000E", "SOPInstanceUID": "00080018",
        "PatientID": "00100020", "PatientName": "00100010", "PatientBirthDate": "00100030", "Modality": "00080060",
        "SeriesNumber": "00200011", "SeriesDescription": "0008103E", "NumberOfFrames": "00280008",
        "SOPClassUID": "00080016"}  # fmt: skip


class Archive:
    """The files of a folder as a server sees them, and what goes wrong with it."""

    def __init__(self, synthetic, folder):
        self.read = synthetic.read
        self.files = sorted(folder.iterdir())
        self.datasets = [synthetic.read(file) for file in self.files]
        self.errors = 0  # so many answers are 503
        self.drop_after = 0  # so many instances, then the connection breaks off, this many times
        self.drops = 0
        self.count_off = 0
        self.character_set = "ISO_IR 192"  # that it compares queries in
        self.before_move = lambda: None  # done before a PACS sends by C-MOVE
        self.asked = []
        self.sent = []

    def matching(self, **wanted):
        return [d for d in self.datasets if all(str(d.get(k)) == v for k, v in wanted.items())]


def qido(dataset, archive, keywords, **more):
    made = {TAGS[key]: {"vr": "LO", "Value": [str(dataset.get(key))]} for key in keywords if key in dataset}
    if "PatientName" in keywords:
        names = zip(("Alphabetic", "Ideographic", "Phonetic"), dataset.PatientName.components, strict=False)
        made[TAGS["PatientName"]] = {"vr": "PN", "Value": [dict(names)]}
    made |= {"00201209": {"vr": "IS", "Value": [more["count"] + archive.count_off]}} if "count" in more else {}
    return made


class Handler(BaseHTTPRequestHandler):
    archive: Archive

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        archive = self.archive
        archive.asked.append(self.path)
        if archive.errors:
            archive.errors -= 1
            self.send_error(503)
            return
        path, _, query = self.path.partition("?")
        parts = path.strip("/").split("/")[1:]  # without "dicom-web"
        ids = dict(zip(parts[::2], parts[1::2], strict=False))
        known = {"studies": "StudyInstanceUID", "series": "SeriesInstanceUID", "instances": "SOPInstanceUID"}
        found = archive.matching(**{known[key]: value for key, value in ids.items()})
        if "limit" in query:
            self._answer_query(parts[-1], found)
        else:
            self._send(found)

    def _answer_query(self, level, found):
        archive = self.archive
        key, keywords = {
            "studies": ("StudyInstanceUID", ["StudyInstanceUID", "PatientID", "PatientName", "PatientBirthDate"]),
            "series": ("SeriesInstanceUID", ["SeriesInstanceUID", "Modality", "SeriesNumber", "SeriesDescription"]),
            "instances": ("SOPInstanceUID", ["SOPInstanceUID", "NumberOfFrames", "SOPClassUID"]),
        }[level]
        groups = {}
        for dataset in found:
            groups.setdefault(dataset.get(key), []).append(dataset)
        answer = json.dumps([qido(g[0], archive, keywords, count=len(g)) for g in groups.values()]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/dicom+json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _send(self, found):
        archive = self.archive
        uids = {d.SOPInstanceUID for d in found}
        bodies = [
            f.read_bytes() for f, d in zip(archive.files, archive.datasets, strict=True) if d.SOPInstanceUID in uids
        ]
        parts = [b"--XX\r\nContent-Type: application/dicom\r\n\r\n" + body + b"\r\n" for body in bodies]
        self.send_response(200)
        self.send_header("Content-Type", 'multipart/related; type="application/dicom"; boundary=XX')
        self.send_header("Content-Length", str(sum(map(len, parts)) + 6))
        self.end_headers()
        for number, part in enumerate(parts):
            if archive.drops and number == archive.drop_after:
                archive.drops -= 1
                self.wfile.write(part[: len(part) // 2])
                self.wfile.flush()
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.wfile.write(part)
            archive.sent.append(number)
        self.wfile.write(b"--XX--")


def bounded(kind, *arguments, timeout_s=10, options=None, **bounds):
    """A client with bounds and options of its own; the source before there were any has a client without."""
    if importlib.util.find_spec("radstudy.intake.limits") is None:
        return kind(*arguments, timeout_s=timeout_s)
    from radstudy.intake.limits import Limits

    return kind(*arguments, timeout_s=timeout_s, limits=Limits(**bounds), **(options or {}))


def free_port():
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def send(port, datasets, *, calling="TESTPACS", called="RADSTUDY", source="127.0.0.1", address="127.0.0.1"):
    """Send objects to a receiver over an association of our own: the status of each, or why there was none."""
    from pynetdicom import AE
    from pynetdicom.sop_class import MRImageStorage

    entity = AE(calling)
    entity.add_requested_context(MRImageStorage)
    entity.connection_timeout = entity.acse_timeout = 2
    association = entity.associate(address, port, ae_title=called, bind_address=(source, 0))
    if not association.is_established:
        return ["rejected" if association.is_rejected else "no connection"]
    try:
        return [association.send_c_store(dataset).get("Status") for dataset in datasets]
    finally:
        association.release()


@contextmanager
def listening(handler):
    """An HTTP server on a free port of the loopback; gives its root."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def served(archive, handler=Handler, **bounds):
    """An archive over DICOMweb, and a client of it."""
    with listening(type("Bound", (handler,), {"archive": archive})) as root:
        client = bounded(DicomWeb, f"{root}/dicom-web", **bounds)
        try:
            yield client
        finally:
            client.close()


@contextmanager
def pacs(archive, *, move_port=None, **bounds):
    """A PACS in this process that answers C-FIND, C-GET and C-MOVE; it may break an association off."""
    from pynetdicom import AE, evt
    from pynetdicom.sop_class import MRImageStorage, StudyRootQueryRetrieveInformationModelFind
    from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelGet as Get
    from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelMove as Move

    keys = {"STUDY": "StudyInstanceUID", "SERIES": "SeriesInstanceUID", "IMAGE": "SOPInstanceUID"}

    def matches(identifier):
        wanted = {k: str(identifier.get(k)) for k in (*keys.values(), "PatientID") if identifier.get(k)}
        charset = archive.character_set
        if not wanted.get("PatientID", "").isascii() and charset != identifier.get("SpecificCharacterSet"):
            return []  # as a PACS that compares bytes
        return archive.matching(**wanted)

    def find(event):
        level = event.identifier.QueryRetrieveLevel
        groups = {}
        for dataset in matches(event.identifier):
            groups.setdefault(dataset.get(keys[level]), []).append(dataset)
        for group in groups.values():
            answer = Dataset()
            answer.QueryRetrieveLevel = level
            answer.SpecificCharacterSet = group[0].get("SpecificCharacterSet", "ISO_IR 100")
            for element in event.identifier:
                if element.keyword != "QueryRetrieveLevel":
                    setattr(answer, element.keyword, group[0].get(element.keyword))
            if level == "SERIES":
                answer.NumberOfSeriesRelatedInstances = len(group) + archive.count_off
            yield 0xFF00, answer

    def get(event):
        found = matches(event.identifier)
        yield len(found)
        for number, dataset in enumerate(found):
            if archive.drops and number == archive.drop_after:
                archive.drops -= 1
                event.assoc.abort()
                return
            archive.sent.append(number)
            yield 0xFF00, dataset

    def move(event):
        archive.before_move()
        found = matches(event.identifier)
        yield "127.0.0.1", move_port
        yield len(found)
        for dataset in found:
            yield 0xFF00, dataset

    entity = AE("TESTPACS")
    entity.add_requested_context(MRImageStorage)
    entity.add_supported_context(Move)
    entity.add_supported_context(StudyRootQueryRetrieveInformationModelFind)
    entity.add_supported_context(Get)
    entity.add_supported_context(MRImageStorage, scu_role=True, scp_role=True)
    server = entity.start_server(
        ("127.0.0.1", 0),
        block=False,
        evt_handlers=[(evt.EVT_C_FIND, find), (evt.EVT_C_GET, get), (evt.EVT_C_MOVE, move)],
    )
    try:
        port = server.socket.getsockname()[1]
        yield bounded(Dimse, "127.0.0.1", port, "TESTPACS", "RADSTUDY", move_port, **bounds)
    finally:
        server.shutdown()
