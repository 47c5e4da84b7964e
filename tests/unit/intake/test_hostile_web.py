"""A DICOMweb server that sends too much, too slowly, never ends, or sends what was not asked for."""

import gzip
import json
import socket
import time
from http.server import BaseHTTPRequestHandler

import pytest

from radstudy.errors import DataError, UsageError
from radstudy.intake.connect import server_of
from radstudy.intake.dicomweb import DicomWeb
from radstudy.intake.pull import TransferError, asked, describe_offered, pull
from radstudy.intake.rules import load_rules
from radstudy.intake.run import Options, run_import
from unit.intake.servers import Archive, Handler, bounded, listening, served

JSON = "application/dicom+json"
TOKEN = "RADSTUDY_DICOMWEB_TOKEN"


@pytest.fixture
def archive(synthetic, tmp_path):
    synthetic.write(tmp_path / "in", synthetic.t2(), synthetic.dynamic(2))
    return Archive(synthetic, tmp_path / "in")


class Saying(BaseHTTPRequestHandler):
    """Answers each request by `answer(self)`, and remembers them."""

    asked: list

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        self.asked.append((self.path, dict(self.headers)))
        type(self).answer(self)

    def say(self, body, kind=JSON, status=200, **headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def saying(answer):
    return type("Said", (Saying,), {"answer": answer, "asked": []})


def match(number):
    return {"00080018": {"vr": "UI", "Value": [f"1.2.3.{number}"]}}


def page_of(path, count=500):
    """Matches of one page, numbered from the offset that is asked for."""
    query = dict(part.split("=", 1) for part in path.partition("?")[2].split("&"))
    begin = int(query["offset"])
    return [match(number) for number in range(begin, begin + count)]


def test_an_answer_that_unpacks_to_more_than_the_bound_is_refused():
    body = gzip.compress(b"[" + b" " * (8 << 20) + b"]", 9)
    with listening(saying(lambda self: self.say(body, Content_Encoding="gzip"))) as root:
        client = bounded(DicomWeb, root, answer_bytes=1 << 20)
        with pytest.raises(DataError, match=r"larger than 1048576 bytes.*RADSTUDY_SERVER_LIMITS"):
            asked(client, "", "", wait_s=0)
        client.close()


def test_pages_without_end_are_refused():
    def answer(self):
        body = page_of(self.path) if len(self.asked) < 12 else []
        self.say(json.dumps(body).encode())

    handler = saying(answer)
    with listening(handler) as root:
        client = bounded(DicomWeb, root, pages=5)
        with pytest.raises(TransferError, match="more than 5 pages"):
            client.instances("1.2", "1.2.3")
        client.close()
    assert len(handler.asked) == 5


def test_matches_without_end_are_refused():
    def answer(self):
        self.say(json.dumps(page_of(self.path, 1000) if len(self.asked) < 4 else []).encode())

    with listening(saying(answer)) as root:
        client = bounded(DicomWeb, root, matches=1500)
        with pytest.raises(TransferError, match="more than 1500 matches"):
            client.instances("1.2", "1.2.3")
        client.close()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"[" + b"{}," * 40_000 + b"{}]", "more than 5000 lists and objects"),
        (b"[" + b"{}," * 400 + b"{}]", "300 matches"),
    ],
    ids=["objects", "matches"],
)
def test_an_answer_of_small_things_is_refused_by_their_number(body, says):
    with listening(saying(lambda self: self.say(body))) as root:
        client = bounded(DicomWeb, root, answer_values=5000, matches=300)
        with pytest.raises(TransferError, match=says):
            client.instances("1.2", "1.2.3")
        client.close()


def test_a_server_that_repeats_its_first_page_is_noticed():
    body = json.dumps([match(number) for number in range(500)]).encode()
    with listening(saying(lambda self: self.say(body))) as root:
        client = bounded(DicomWeb, root)
        with pytest.raises(TransferError, match="the same 500 matches again"):
            client.instances("1.2", "1.2.3")
        client.close()


def test_a_server_that_gives_all_whatever_the_page_is_believed():
    body = json.dumps([match(number) for number in range(700)]).encode()
    with listening(saying(lambda self: self.say(body))) as root:
        client = bounded(DicomWeb, root)
        assert len(client.instances("1.2", "1.2.3")) == 700
        client.close()


def test_a_server_with_smaller_pages_than_asked_for_is_asked_to_the_end():
    def answer(self):
        self.say(json.dumps([one for one in page_of(self.path, 100) if one in every]).encode())

    every = [match(number) for number in range(250)]
    with listening(saying(answer)) as root:
        client = bounded(DicomWeb, root)
        assert len(client.instances("1.2", "1.2.3")) == 250
        client.close()


@pytest.mark.parametrize("where", ["header", "body", "chunked"])
def test_a_byte_now_and_then_is_too_slow(where):
    def answer(self):
        begin = b"HTTP/1.1 200 OK\r\nContent-Type: application/dicom+json\r\n"
        begin += b"Transfer-Encoding: chunked\r\n\r\n" if where == "chunked" else b"Content-Length: 60\r\n\r\n"
        piece = b"1\r\n \r\n" if where == "chunked" else b" "
        try:
            if where != "header":
                self.wfile.write(begin)
            for number in range(60):  # 3 s
                self.wfile.write(begin[number : number + 1] if where == "header" else piece)
                self.wfile.flush()
                time.sleep(0.05)
            self.wfile.write(begin[60:] + b" " * 60 if where == "header" else b"0\r\n\r\n" * (where == "chunked"))
        except OSError:
            return
        self.close_connection = True

    with listening(saying(answer)) as root:
        client = bounded(DicomWeb, root, grace_s=0.3, slowest=1000)
        begun = time.monotonic()
        with pytest.raises(TransferError, match="too slow"):
            client.instances("1.2", "1.2.3")
        assert time.monotonic() - begun < 1.5
        client.close()


def test_a_query_has_an_end_in_time():
    def answer(self):
        time.sleep(0.1)
        self.say(json.dumps(page_of(self.path) if len(self.asked) < 10 else []).encode())

    with listening(saying(answer)) as root:
        client = bounded(DicomWeb, root, query_s=0.5)
        with pytest.raises(TransferError, match="longer than"):
            client.instances("1.2", "1.2.3")
        client.close()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"[{", "not valid JSON"),
        (b"<html>Please log in</html>", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"[\xff]", "not valid JSON"),
        (b"[" + b"9" * 10_000 + b"]", "not valid JSON"),
        (b'{"0020000D": {}}', "not a list of matches"),
        (b"[1]", "not a list of matches"),
        (b'[{"0020000D": "1.2.3"}]', "'0020000D' of a match"),
        (b'[{"0020000D": {"Value": 5}}]', "'0020000D' of a match"),
    ],
    ids=["cut off", "HTML", "deep", "bytes", "digits", "object", "number", "text", "value"],
)
def test_an_answer_that_is_not_what_it_should_be_is_named_once(body, says):
    handler = saying(lambda self: self.say(body))
    with listening(handler) as root:
        client = bounded(DicomWeb, f"{root}/dicom-web")
        with pytest.raises(DataError, match=says) as raised:
            asked(client, "", "", wait_s=0)
        client.close()
    assert f"{root}/dicom-web/studies" in str(raised.value)
    assert "To do: check" in str(raised.value)
    assert len(handler.asked) == 1


def test_a_status_says_what_to_do_and_quotes_no_body():
    handler = saying(lambda self: self.say(b"no study of MUSTERMANN\x1b[2J", status=401))
    with listening(handler) as root:
        client = bounded(DicomWeb, root)
        with pytest.raises(DataError, match=r"401 Unauthorized.*To do: give user and password") as raised:
            asked(client, "MUSTERMANN", "", wait_s=0)
        client.close()
    assert "MUSTERMANN" not in str(raised.value)
    assert len(handler.asked) == 1


def test_another_host_is_not_gone_to(monkeypatch):
    monkeypatch.setenv(TOKEN, "secret")
    other = saying(lambda self: self.say(b"[]"))
    with listening(other) as elsewhere:
        here = saying(lambda self: self.say(b"", status=302, Location=f"{elsewhere}/dicom-web/studies"))
        with listening(here) as root:
            client = bounded(DicomWeb, f"{root}/dicom-web")
            with pytest.raises(DataError, match=f"redirects to '{elsewhere}'.*if you trust it"):
                asked(client, "", "", wait_s=0)
            client.close()
    assert other.asked == []


def test_the_same_host_is_followed_but_not_for_ever():
    def answer(self):
        if self.path.startswith("/moved"):
            self.say(json.dumps([match(1)] if "offset=0" in self.path else []).encode())
        else:
            self.say(b"", status=307, Location="/moved/" + self.path.partition("?")[2].join(["?", ""]))

    with listening(saying(answer)) as root:
        client = bounded(DicomWeb, root)
        assert client.instances("1.2", "1.2.3") == ["1.2.3.1"]
        client.close()
    with listening(saying(lambda self: self.say(b"", status=302, Location="/again"))) as root:
        client = bounded(DicomWeb, root)
        with pytest.raises(TransferError, match="redirects more than 5 times"):
            client.instances("1.2", "1.2.3")
        client.close()


@pytest.mark.parametrize(
    ("token", "login", "sent"),
    [("secret", "", "Bearer secret"), ("", "me:p%40ss@", "Basic bWU6cEBzcw=="), ("", "", "Basic bmV0cmM6cGFzcw==")],
    ids=["token", "address", "netrc"],
)
def test_netrc_does_not_replace_what_is_given(monkeypatch, tmp_path, token, login, sent):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login netrc password pass\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv(TOKEN, token)
    handler = saying(lambda self: self.say(b"[]"))
    with listening(handler) as root:
        client = bounded(DicomWeb, root.replace("://", f"://{login}"))
        client.instances("1.2", "1.2.3")
        client.close()
    assert [headers["Authorization"] for _, headers in handler.asked] == [sent]


@pytest.mark.parametrize(
    ("target", "followed"),
    [
        ("https://pacs.org/other", True),
        ("http://pacs.org/dicom-web", False),
        ("https://pacs.org:8443/dicom-web", False),
        ("https://other.org/dicom-web", False),
        ("https://pacs.org@other.org/dicom-web", False),
        ("https://me:secret@pacs.org/dicom-web", False),
        ("ftp://pacs.org/dicom-web", False),
        ("https://pacs.org:nan/", False),
    ],
)
def test_only_the_same_server_is_followed(target, followed):
    from radstudy.intake.web import _is_same_server

    assert _is_same_server("https://pacs.org/dicom-web", target) is followed
    assert _is_same_server("http://pacs.org/dicom-web", "https://pacs.org/dicom-web")


@pytest.mark.parametrize("address", ["https://", "https://pacs.org/dicom-web?key=1", "https://me:secret@pacs.org:nan/"])
def test_an_address_that_is_not_one_of_a_service(address):
    with pytest.raises(UsageError, match="is not an address of a DICOMweb service") as raised:
        server_of(address)
    assert "secret" not in str(raised.value)


def test_a_user_and_a_token_are_not_both_given(monkeypatch):
    monkeypatch.setenv(TOKEN, "secret")
    with pytest.raises(UsageError, match="give only one"):
        server_of("https://me:pass@pacs.org/dicom-web")


class Changed(Handler):
    """The archive, with its listings changed by `archive.change(level, matches)`."""

    def _answer_query(self, level, found):
        self.level = level
        super()._answer_query(level, found)

    def end_headers(self):
        if getattr(self, "level", None) and self._headers_buffer:
            self._headers_buffer = [one for one in self._headers_buffer if not one.startswith(b"Content-Length")]
            self.send_header("Connection", "close")
        super().end_headers()

    @property
    def wfile(self):
        return self._changed

    @wfile.setter
    def wfile(self, file):
        self._changed = _ChangingFile(self, file)


class _ChangingFile:
    def __init__(self, handler, file):
        self.handler, self.file = handler, file

    def __getattr__(self, name):
        return getattr(self.file, name)

    def write(self, content):
        if content.startswith(b"[") and getattr(self.handler, "level", None):
            changed = self.handler.archive.change(self.handler.level, json.loads(content), self.handler.path)
            content = json.dumps(changed).encode()
        self.file.write(content)


def first_series(archive):
    return archive.datasets[0].SeriesInstanceUID


@pytest.mark.parametrize(
    "wrong", ["../../admin", "1.2/../../x?a=", "1" * 65, "1..2", ""], ids=["up", "within", "long", "dots", "none"]
)
@pytest.mark.parametrize(("level", "tag"), [("studies", "0020000D"), ("series", "0020000E"), ("instances", "00080018")],
                         ids=["studies", "series", "instances"])  # fmt: skip
def test_an_identifier_that_is_not_a_uid_goes_into_no_address(archive, tmp_path, level, tag, wrong):
    def change(of, matches, path):
        if of == level and (level != "instances" or first_series(archive) in path):
            bad = {**matches[0], tag: {"vr": "UI", "Value": [wrong]}}
            return [bad, *matches[1:]] if level == "series" else [bad, *matches]
        return matches

    archive.change = change
    with served(archive, Changed) as server:
        source = pull(server, tmp_path / "private", wait_s=0)
    paths = [path.partition("?")[0] for path in archive.asked]
    assert not any(part in path for path in paths for part in ("..", "x?", "1" * 65, "//", "1..2"))
    assert source.files()  # the others came
    assert "valid UID" in source.problems[0]


def test_a_series_that_the_server_counts_and_does_not_list_is_named(archive, tmp_path):
    def change(level, matches, path):
        if level == "studies":
            return [{**one, "00201206": {"vr": "IS", "Value": [9]}} for one in matches]
        return matches

    archive.change = change
    with served(archive, Changed) as server:
        source = pull(server, tmp_path / "private", wait_s=0)
    assert len(source.files()) == len(archive.files)
    assert "the server counts 9 series but lists" in source.problems[0]


def test_a_series_without_instances_is_named(archive, tmp_path):
    archive.change = lambda level, matches, path: [] if level == "instances" else matches
    with served(archive, Changed) as server:
        source = pull(server, tmp_path / "private", wait_s=0)
    assert "lists no instance" in source.problems[0]


def test_an_examination_whose_series_cannot_be_listed_does_not_keep_the_others_from_coming(synthetic, tmp_path):
    synthetic.write(tmp_path / "in", synthetic.t2(), synthetic.t2(patient="B 2", number=4))
    archive = Archive(synthetic, tmp_path / "in")
    first = archive.datasets[0].StudyInstanceUID
    archive.change = lambda level, matches, path: 5 if level == "series" and f"/{first}/" in path else matches
    with served(archive, Changed) as server:
        source = pull(server, tmp_path / "private", wait_s=0)
    others = [one for one in archive.datasets if one.StudyInstanceUID != first]
    assert len(source.files()) == len(others) > 0
    assert "not all of its series can be listed: an answer is not a list of matches" in source.problems[0]
    assert first not in source.problems[0]


class Sending(Handler):
    """The archive, with the answer to a series changed by `archive.send(self, parts)`."""

    def _send(self, found):
        parts = [archive_file(self.archive, one).read_bytes() for one in found]
        self.archive.send(self, parts, found)

    def answer(self, body, kind='multipart/related; type="application/dicom"; boundary=XX'):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def archive_file(archive, dataset):
    return archive.files[next(i for i, one in enumerate(archive.datasets) if one is dataset)]


def multipart(parts, close=b"\r\n--XX--\r\n"):
    return b"\r\n".join(b"--XX\r\nContent-Type: application/dicom\r\n\r\n" + part for part in parts) + close


def of_first(archive, found):
    return found[0].SeriesInstanceUID == first_series(archive)


@pytest.mark.parametrize(
    ("send", "says"),
    [
        (lambda parts: (multipart(parts)[:-900], None), "closing boundary is missing"),
        (lambda parts: (multipart(parts), "multipart/related"), "names no boundary"),
        (lambda parts: (multipart(parts), "text/html; charset=utf-8"), "is of type 'text/html"),
        (lambda parts: (b"--XX\r\nno end of header\r\n--XX--", None), "the header of part 1 of an answer has no end"),
        (lambda parts: (multipart([b"\0" * 200_000]), None), "larger than 150000 bytes"),
        (lambda parts: (multipart([b"no DICOM"]), None), "not readable as DICOM"),
        (lambda parts: (b"", None), "closing boundary is missing"),
    ],
    ids=["cut off", "no boundary", "HTML", "no header", "too large", "no DICOM", "nothing"],
)
def test_a_series_that_does_not_come_as_it_should_is_named_and_the_others_come(archive, tmp_path, send, says):
    def sent(handler, parts, found):
        body, kind = send(parts) if of_first(archive, found) else (multipart(parts), None)
        handler.answer(body, *filter(None, [kind]))

    archive.send = sent
    with served(archive, Sending, object_bytes=150_000) as server:
        source = pull(server, tmp_path / "private", wait_s=0)
        others = [one for one in archive.datasets if one.SeriesInstanceUID != first_series(archive)]
        assert len(source.files()) == len(others) > 0
        assert len(source.problems) == 1
        assert says in source.problems[0]
        archive.send = lambda handler, parts, found: handler.answer(multipart(parts))
        assert len(pull(server, tmp_path / "private", wait_s=0).files()) == len(archive.files)  # tried again


def test_what_was_not_asked_for_is_refused_and_named(archive, tmp_path):
    def sent(handler, parts, found):
        other = next(one for one in archive.datasets if one.SeriesInstanceUID != found[0].SeriesInstanceUID)
        handler.answer(multipart([archive_file(archive, other).read_bytes(), *parts]))

    archive.send = sent
    with served(archive, Sending) as server:
        source = pull(server, tmp_path / "private", wait_s=0)
    assert sorted((source.path / one.name).read_bytes() for one in source.files()) == sorted(
        file.read_bytes() for file in archive.files
    )
    assert len(source.problems) == 2
    assert all("1 object(s) refused, not requested" in problem for problem in source.problems)


def test_an_object_of_another_series_under_a_uid_that_was_asked_for_is_refused(archive, synthetic, tmp_path):
    def sent(handler, parts, found):
        if of_first(archive, found):
            one = archive.read(archive_file(archive, found[0]))
            one.SeriesInstanceUID = "1.2.3.4"
            one.save_as(tmp_path / "other.dcm")
            parts[0] = (tmp_path / "other.dcm").read_bytes()
        handler.answer(multipart(parts))

    archive.send = sent
    with served(archive, Sending) as server:
        source = pull(server, tmp_path / "private", wait_s=0)
    assert "of a series that was not requested" in source.problems[0]
    assert all(archive.read(source.path / one.name).SeriesInstanceUID != "1.2.3.4" for one in source.files())


def test_a_connection_that_ends_without_a_length_is_cut_off(archive, tmp_path):
    def sent(handler, parts, found):
        handler.send_response(200)
        handler.send_header("Content-Type", 'multipart/related; type="application/dicom"; boundary=XX')
        handler.end_headers()
        handler.wfile.write(multipart(parts)[:-700])  # within the last object's pixels
        handler.wfile.flush()
        handler.connection.shutdown(socket.SHUT_RDWR)

    archive.send = sent
    with served(archive, Sending) as server:
        source = pull(server, tmp_path / "private", wait_s=0)
    assert source.files() == []
    assert all("closing boundary is missing" in problem for problem in source.problems)
    kept = [file.read_bytes() for file in (tmp_path / "private").rglob("*.dcm")]
    assert all(content in [file.read_bytes() for file in archive.files] for content in kept)


def test_descriptions_do_not_command_the_terminal(archive):
    def change(level, matches, path):
        return [{**one, "0008103E": {"vr": "LO", "Value": ["t2\x1b[2J\ud800 tse"]}} for one in matches]

    archive.change = change
    with served(archive, Changed) as server:
        printed = describe_offered(asked(server, "", "", wait_s=0), load_rules())
    assert "\x1b" not in printed
    printed.encode()


def test_the_reasons_are_told_where_nothing_came(archive, tmp_path):
    archive.drop_after, archive.drops = 0, 10**6
    with served(archive) as server:
        source = pull(server, tmp_path / "private", wait_s=0)
    options = Options(tmp_path / "out", tmp_path / "private")
    with pytest.raises(DataError, match=r"no MR image(.|\n)*0 of 6 instances arrived"):
        run_import(source, options)
