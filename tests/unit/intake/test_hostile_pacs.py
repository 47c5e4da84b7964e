"""A PACS, and those who pretend to be one: what was not asked for, too much, from elsewhere, in silence."""

import copy
import errno
import gc
import resource
import socket
import threading
import time
from contextlib import contextmanager

import pytest
from pydicom.dataset import Dataset

from radstudy.errors import DataError, StorageError, UsageError
from radstudy.intake.connect import server_of
from radstudy.intake.dimse import Dimse
from radstudy.intake.pull import TransferError, asked, pull
from unit.intake.servers import Archive, bounded, free_port, pacs, send

REFUSED, FULL = 0x0124, 0xA700


@pytest.fixture(autouse=True)
def _no_socket_is_left_to_other_tests():
    yield
    gc.collect()


@pytest.fixture
def archive(synthetic, tmp_path):
    synthetic.write(tmp_path / "in", synthetic.t2(slices=3))
    return Archive(synthetic, tmp_path / "in")


@pytest.fixture
def moved(archive, tmp_path):
    """Pull by C-MOVE; gives the source, after `hostile(port)` was done before each sending."""

    def run(hostile=lambda port: None, **bounds):
        port = free_port()
        archive.before_move = lambda: hostile(port)
        with pacs(archive, move_port=port, **bounds) as server:
            return pull(server, tmp_path / "private", wait_s=0)

    return run


def kept(archive, source):
    return sorted(archive.read(source.path / one.name).SOPInstanceUID for one in source.files())


def expected(archive):
    return sorted(one.SOPInstanceUID for one in archive.datasets)


def changed(dataset, **tags):
    other = copy.deepcopy(dataset)
    for keyword, value in tags.items():
        setattr(other, keyword, value)
    return other


def test_c_move_gives_every_instance(archive, moved):
    source = moved()
    assert source.problems == []
    assert kept(archive, source) == expected(archive)


def test_the_receiver_listens_on_one_address(archive, moved):
    found = []

    def hostile(port):
        for address in ("127.0.0.1", "127.0.0.2"):
            with socket.socket() as probe:
                found.append((address, probe.connect_ex((address, port))))

    moved(hostile)
    assert dict(found) == {"127.0.0.1": 0, "127.0.0.2": errno.ECONNREFUSED}


def test_an_address_to_receive_on_can_be_given(archive, moved):
    source = moved(options={"move_address": "127.0.0.2"})  # the PACS of the test sends to 127.0.0.1
    assert source.files() == []
    assert "only 0 of 3 instances arrived" in source.problems[0]
    with pytest.raises(UsageError, match=r"port \d+ of 203.0.113.7 cannot be opened.*--move-address"):
        moved(options={"move_address": "203.0.113.7"})


@pytest.mark.parametrize(
    ("sender", "answer", "says"),
    [
        ({"calling": "STRANGER"}, "rejected", "an association from 'STRANGER' that calls 'RADSTUDY'"),
        ({"called": "OTHER"}, "rejected", "an association from 'TESTPACS' that calls 'OTHER'"),
        ({"source": "127.0.0.3"}, "no connection", "a connection from 127.0.0.3"),
    ],
    ids=["calling title", "called title", "address"],
)
def test_who_is_not_the_pacs_is_not_let_in(archive, moved, sender, answer, says):
    answers = []
    source = moved(lambda port: answers.extend(send(port, [archive.datasets[0]], **sender)))
    assert answers == [answer]
    assert kept(archive, source) == expected(archive)  # the PACS itself was


def test_who_was_not_let_in_is_named_where_not_all_came(archive, moved):
    whole = archive.matching
    archive.matching = lambda **wanted: whole(**wanted) if "SeriesInstanceUID" not in wanted else []
    calls = []

    def hostile(port):
        archive.matching = lambda **wanted: []  # the PACS itself sends nothing
        calls.append(send(port, archive.datasets, calling="PACS2"))

    archive.matching = whole
    source = moved(hostile)
    assert source.files() == []
    assert "refused: an association from 'PACS2' that calls 'RADSTUDY'" in source.problems[0]
    assert "--move-from TITLE@ADDRESS" in source.problems[0]


def test_others_may_be_named_from_whom_a_pacs_sends(archive, moved):
    answers = []

    def hostile(port):
        answers.extend(send(port, archive.datasets[:1], calling="PACS2", source="127.0.0.3"))

    moved(hostile, options={"move_from": ("PACS2@127.0.0.0/29",)})
    assert answers == [0]


@pytest.mark.parametrize("wrong", ["PACS2", "@10.0.0.1", "PACS2@", "PACS2@no.such.host.invalid"],
                         ids=["no address", "no title", "nothing", "unknown"])  # fmt: skip
def test_a_sender_that_is_not_written_as_it_should_be(archive, moved, wrong):
    with pytest.raises(UsageError, match=r"TITLE@ADDRESS|cannot be resolved"):
        moved(options={"move_from": (wrong,)})


def test_what_was_not_asked_for_is_answered_with_a_failure_and_named(archive, moved):
    answers = []
    first = archive.datasets[0]
    unasked = [
        changed(first, SOPInstanceUID="1.2.3.4"),
        changed(first, SeriesInstanceUID="1.2.3.4"),
        changed(first, StudyInstanceUID="1.2.3.4"),
    ]
    source = moved(lambda port: answers.extend(send(port, unasked)))
    assert answers == [REFUSED] * 3
    assert kept(archive, source) == expected(archive)
    assert any("1 object(s) refused, not requested" in problem for problem in source.problems)
    assert any("2 object(s) refused, of a series that was not requested" in problem for problem in source.problems)


def test_a_second_object_of_one_uid_does_not_replace_the_first(archive, moved):
    answers = []
    first = archive.datasets[0]
    second = changed(first, PixelData=bytes(len(first.PixelData)))
    source = moved(lambda port: answers.extend(send(port, [first, second, first])))
    assert answers == [0, REFUSED, 0]
    (file,) = [one for one in source.files() if archive.read(source.path / one.name).SOPInstanceUID ==
               first.SOPInstanceUID]  # fmt: skip
    assert archive.read(source.path / file.name).PixelData == first.PixelData
    assert "different from an object received earlier with the same UID" in source.problems[0]


def test_a_full_disk_is_told_to_the_pacs_and_to_the_user(archive, moved):
    answers = []
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, before[1]))  # less than an object
    try:
        with pytest.raises(StorageError, match=r"cannot be written: File too large.* make room"):
            moved(lambda port: answers.extend(send(port, archive.datasets)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert answers == [FULL] * 3
    assert kept(archive, moved()) == expected(archive)  # the next pull goes on


def test_associations_are_bounded(archive, moved):
    from pynetdicom.association import Association

    answers = []

    def hostile(port):
        with held(port):
            answers.extend(send(port, archive.datasets[:1]))
        for one in threading.enumerate():  # the receiver counts an association until its thread has ended
            if isinstance(one, Association) and one.is_acceptor and one.ae.ae_title == "RADSTUDY":
                one.join(2)

    source = moved(hostile, associations=1)
    assert set(answers) == {"rejected"}
    assert kept(archive, source) == expected(archive)


@contextmanager
def held(port):
    """An association that stays open."""
    from pynetdicom import AE
    from pynetdicom.sop_class import MRImageStorage

    entity = AE("TESTPACS")
    entity.add_requested_context(MRImageStorage)
    association = entity.associate("127.0.0.1", port, ae_title="RADSTUDY")
    assert association.is_established
    try:
        yield
    finally:
        association.release()


@pytest.mark.parametrize("by", ["C-GET", "C-MOVE"])
def test_an_object_that_is_too_large_ends_the_transfer(archive, tmp_path, by):
    archive.datasets[0].PixelData = bytes(3 << 20)  # of the one, and a message may have 1 MiB beside its object
    with pacs(archive, move_port=free_port() if by == "C-MOVE" else None, object_bytes=1 << 20) as server:
        source = pull(server, tmp_path / "private", wait_s=0)
    assert source.files() == []
    assert "larger than 1048576 bytes" in source.problems[0]
    assert "RADSTUDY_SERVER_LIMITS" in source.problems[0]


def test_matches_without_end_are_refused(archive):
    whole = archive.matching
    archive.matching = lambda **wanted: [
        changed(one, SOPInstanceUID=f"1.2.{number}") for number in range(400) for one in whole(**wanted)[:1]
    ]
    first = archive.datasets[0]
    with pacs(archive, matches=50) as server, pytest.raises(TransferError, match="more than 50 matches"):
        server.instances(first.StudyInstanceUID, first.SeriesInstanceUID)


@pytest.mark.parametrize("wrong", ["../../admin", "1..2"], ids=["up", "dots"])
@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
def test_an_identifier_that_is_not_a_uid_is_not_asked_for(archive, synthetic, tmp_path, wrong):
    synthetic.write(tmp_path / "in", synthetic.t2(number=8, uid="8"))
    archive = Archive(synthetic, tmp_path / "in")
    bad = [one for one in archive.datasets if one.SeriesNumber == 8]
    for one in bad:
        one.SeriesInstanceUID = wrong
    with pacs(archive) as server:
        source = pull(server, tmp_path / "private", wait_s=0)
    assert "SeriesInstanceUID is not a valid UID" in source.problems[0]
    assert len(source.files()) == len(archive.datasets) - len(bad)


class Late(threading.Event):
    """An event whose waiter goes on late: when a message was sent and its answers have come."""

    def __init__(self):
        super().__init__()
        self.sent = threading.Event()

    def wait(self, timeout=None):
        found = super().wait(timeout)
        self.sent.wait(0.5)
        time.sleep(0.15)
        return found


def test_no_answer_is_lost_on_a_busy_computer(archive, monkeypatch):
    from pynetdicom.association import Association

    begin = Association.__init__

    def late(self, *arguments, **options):
        begin(self, *arguments, **options)
        if self.is_requestor:
            event, send_msg, find = Late(), self.dimse.send_msg, self.send_c_find
            event.set()
            self._reactor_checkpoint = event
            self.send_c_find = lambda *query: (time.sleep(0.1), find(*query))[1]  # the library's thread waits by then
            self.dimse.send_msg = lambda *message: (send_msg(*message), event.sent.set(), time.sleep(0.3))

    monkeypatch.setattr(Association, "__init__", late)
    first = archive.datasets[0]
    with pacs(archive) as server:
        found = server.instances(first.StudyInstanceUID, first.SeriesInstanceUID)
    assert sorted(found) == expected(archive)


@contextmanager
def answering(answer):
    """A TCP server of the loopback that gives each connection to `answer`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        over = threading.Event()

        def serve():
            while not over.is_set():
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    try:
                        answer(connection, over)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            over.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def drip(connection, over):
    connection.sendall(b"\x02\x00\x00\x00\x10\x00")  # A-ASSOCIATE-AC of 4096 bytes, one now and then
    for _ in range(60):  # 3 s
        if over.wait(0.05):
            return
        connection.sendall(b"\x00")


def silence(connection, over):
    over.wait(5)


@pytest.mark.parametrize(("answer", "says"), [(drip, "too slow"), (silence, "not accept an association|nothing was")],
                         ids=["drip", "silence"])  # fmt: skip
def test_a_pacs_that_drips_or_is_silent_is_given_up(answer, says):
    with answering(answer) as port:
        server = bounded(Dimse, "127.0.0.1", port, "TESTPACS", timeout_s=1, grace_s=0.3, slowest=1000)
        begun = time.monotonic()
        with pytest.raises(TransferError, match=says):
            server.examinations("", "")
        assert time.monotonic() - begun < 3


def test_a_pacs_that_falls_silent_within_an_operation_is_given_up(archive):
    archive.matching = lambda **wanted: time.sleep(1.2) or []
    with pacs(archive, timeout_s=0.4) as server:
        begun = time.monotonic()
        with pytest.raises(TransferError, match=r"nothing was received|was lost"):
            server.instances("1.2", "1.2.3")
        assert time.monotonic() - begun < 1.2


def test_an_examination_whose_series_cannot_be_listed_does_not_keep_the_others_from_coming(synthetic, tmp_path):
    synthetic.write(tmp_path / "in", synthetic.t2(slices=3), synthetic.t2(patient="B 2", number=4, slices=3))
    archive = Archive(synthetic, tmp_path / "in")
    first, whole = archive.datasets[0].StudyInstanceUID, archive.matching

    def matching(**wanted):
        if wanted == {"StudyInstanceUID": first}:
            raise OSError("the disk of the PACS")
        return whole(**wanted)

    archive.matching = matching
    with pacs(archive) as server:
        source = pull(server, tmp_path / "private", wait_s=0)
    assert len(source.files()) == 3
    assert "not all of its series can be listed: the PACS answered with status 0xC311" in source.problems[0]


def test_the_factor_of_the_environment_raises_every_bound(monkeypatch):
    from radstudy.intake.limits import Limits, server_limits

    monkeypatch.setenv("RADSTUDY_SERVER_LIMITS", "10")
    raised, plain = server_limits(), Limits()
    assert (raised.object_bytes, raised.pages, raised.transfer_s) == (
        10 * plain.object_bytes, 10 * plain.pages, 10 * plain.transfer_s)  # fmt: skip
    assert raised.slowest == plain.slowest / 10
    assert server_of("dimse://PACS@host:104").limits == raised
    for wrong in ("many", "0.5", "nan", "-1", "inf"):
        monkeypatch.setenv("RADSTUDY_SERVER_LIMITS", wrong)
        with pytest.raises(UsageError, match=f"RADSTUDY_SERVER_LIMITS is '{wrong}'"):
            server_limits()


def test_an_answer_that_is_no_identifier_is_not_passed_over(archive, monkeypatch):
    from pynetdicom.association import Association

    def find(self, *arguments):
        status = Dataset()
        status.Status = 0xFF00
        yield status, None

    monkeypatch.setattr(Association, "send_c_find", find)
    with pacs(archive) as server, pytest.raises((TransferError, DataError), match="cannot be decoded"):
        asked(server, "", "", wait_s=0)
