"""Requests that are not heard: of strangers, under other names, from other pages, too large."""

import json
import resource
import socket

import pytest

from radstudy.app.web.security import HEADERS, MOST_BYTES, public_origin, served_at
from radstudy.errors import UsageError
from unit.app.web.conftest import Browser

PATHS = (
    "/room", "/static/main.js", "/static/missing.js", "/api/me", "/api/worklist/masks", "/api/events", "/missing",
    "/api/case/masks/M-AAAA/volume/T2WI/acquired", "/api/lead/progress", "//", "/index.html", "/static/../room",
)  # fmt: skip
POSTS = ("/api/case/masks/M-AAAA/open", "/api/case/masks/M-AAAA/stroke", "/api/lead/links", "/api/lead/export")


@pytest.mark.parametrize("path", PATHS)
def test_without_a_cookie_every_path_but_the_first_is_401(server, path):
    assert Browser(server.port).ask("GET", path).status == 401
    stranger = Browser(server.port, cookie=f"{server.doorkeeper.cookie}=guessed")
    assert stranger.ask("GET", path).status == 401


@pytest.mark.parametrize("path", POSTS)
def test_without_a_cookie_nothing_is_done(server, path):
    assert Browser(server.port).ask("POST", path, {"tab": "a"}).status == 401
    assert Browser(server.port).ask("DELETE", "/api/lead/links/x").status == 401
    assert not server.room.tabs


def test_the_first_page_and_its_script_are_all_that_a_stranger_gets(server):
    stranger = Browser(server.port)
    page, script = stranger.ask("GET", "/"), stranger.ask("GET", "/?entry")
    assert page.status == script.status == 200
    assert b'src="/?entry"' in page.body and page.headers["content-type"].startswith("text/html")
    assert b"/api/enter" in script.body and script.headers["content-type"].startswith("text/javascript")
    assert b"<script>" not in page.body and b"style=" not in page.body
    assert "set-cookie" not in page.headers
    assert stranger.ask("POST", "/").status == 401


def test_every_answer_keeps_the_page_to_itself(server):
    browser = server.browser()
    answers = [
        browser.ask("GET", "/"), browser.ask("GET", "/room"), browser.ask("GET", "/api/me"),
        browser.ask("GET", "/static/main.js"), browser.ask("GET", "/nothing"), Browser(server.port).ask("GET", "/room"),
        browser.ask("GET", "/api/me", Host="evil.example"), browser.ask("POST", "/api/enter", {"token": "x"}),
    ]  # fmt: skip
    for answer in answers:
        assert {name: answer.headers[name] for name in HEADERS} == dict(HEADERS)
        assert "server" not in answer.headers
    policy = HEADERS["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
    kept = [answer.headers["cache-control"] for answer in answers]
    assert kept == ["no-store", "private, no-cache", "no-store", "private, no-cache", *["no-store"] * 4]


@pytest.mark.parametrize("host", [
    "evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "127.0.0.1:{port}.evil.example", "", None,
    "reading.example.org", "localhost.evil.example:{port}",
])  # fmt: skip
def test_another_host_is_refused_also_with_a_cookie_and_for_the_first_page(server, host):
    browser = server.browser()
    given = host and host.format(port=server.port)
    assert browser.ask("GET", "/", Host=given).status in (400, 403)  # h11 refuses a request without any
    assert browser.ask("GET", "/api/me", Host=given).status in (400, 403)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LocalHost"])
def test_the_own_names_are_heard(server, name):
    browser = server.browser()
    assert browser.ask("GET", "/api/me", Host=f"{name}:{server.port}").status == 200


@pytest.mark.parametrize("origin", [
    "https://evil.example", "null", "http://127.0.0.1", "https://127.0.0.1:{port}", "http://evil.example:{port}", "",
])  # fmt: skip
def test_another_origin_is_refused_with_a_cookie_too(server, origin):
    browser = server.browser()
    given = origin.format(port=server.port)
    assert browser.ask("GET", "/api/me", Origin=given).status == 403
    assert browser.ask("POST", "/api/case/masks/M-AAAA/open", {"tab": "a"}, Origin=given).status == 403
    assert browser.ask("DELETE", "/api/lead/links/x", Origin=given).status == 403
    assert Browser(server.port).ask("POST", "/api/enter", {"token": "x"}, Origin=given).status == 403
    assert not server.room.tabs


def test_a_post_must_say_from_which_page_it_comes(server):
    browser = server.browser()
    assert browser.ask("POST", "/api/case/masks/M-AAAA/open", {"tab": "a"}, Origin=None).status == 403
    assert browser.ask("POST", "/api/case/masks/M-AAAA/open", {"tab": "a"}).status == 200
    assert browser.ask("GET", "/api/me").status == 200
    assert browser.ask("GET", "/api/me", Sec_Fetch_Site="cross-site").status == 403
    # another port of this computer, or another host of the domain
    assert browser.ask("GET", "/api/me", Sec_Fetch_Site="same-site").status == 403
    assert browser.ask("GET", "/api/me", Sec_Fetch_Site="same-origin").status == 200
    assert browser.ask("GET", "/", Sec_Fetch_Site="cross-site").status == 200


def test_a_public_url_adds_its_host_and_origin_and_no_other(public_server):
    url = "https://reading.example.org"
    browser = Browser(public_server.port, headers={"Host": "reading.example.org"})
    token = public_server.doorkeeper.launch(role="reader", reader="anna")
    answer = browser.ask("POST", "/api/enter", {"token": token}, Origin=url)
    assert answer.status == 200 and answer.headers["set-cookie"].endswith("; Secure")
    assert browser.ask("GET", "/", Host="reading.example.org:443").status == 200
    assert browser.ask("GET", "/", Host="reading.example.org:80").status == 403
    assert browser.ask("POST", "/api/enter", {"token": token}, Origin="http://reading.example.org").status == 403
    assert browser.ask("POST", "/api/enter", {"token": token}, Origin=url + ".evil.example").status == 403


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
def test_methods_that_are_not_used_are_refused(server, method):
    assert server.browser().ask(method, "/api/me").status == 405


TRAVERSALS = (
    "/static/../main.js", "/static/%2e%2e/secret.txt", "/static/..%2fsecret.txt",
    "/static/%2e%2e%2f%2e%2e%2fetc/passwd",
    "/static//etc/passwd", "/static/deep/../../images/T2WI.nii.gz", "/static/secret.txt", "/static/", "/static",
    "/static/..\\main.js", "/static/main.js%00.css", "/static/deep", "/../../etc/passwd", "/room/..", "/%2e%2e/",
    "/api/case/masks/..%2f..%2fM-AAAA/volume/T2WI/acquired", "/api/case/masks/M-AAAA/volume/..%2fT2WI/acquired",
    "/api/case/masks/M-AAAA/volume/..%2f..%2fimages%2fT2WI.nii.gz/acquired",
    "/api/case/masks/M-AAAA/volume/T2WI/..", "/api/case/masks/../../../etc/passwd",
    "/api/case/%2e%2e/M-AAAA/volume/T2WI/acquired", "/api/worklist/..%2fmasks", "/api/worklist/%2e%2e",
)  # fmt: skip


@pytest.mark.parametrize("path", TRAVERSALS)
def test_a_path_that_climbs_reaches_nothing(server, path):
    answer = server.browser().ask("GET", path)
    assert answer.status == 404, answer.body
    assert set(answer.json) == {"error"}


def test_scripts_come_from_the_table_made_at_start(server, tmp_path):
    browser = server.browser()
    answer = browser.ask("GET", "/static/main.js")
    assert answer.body == b"export const one = 1;\n" and answer.headers["content-type"].startswith("text/javascript")
    assert browser.ask("GET", "/static/main.js", If_None_Match=answer.headers["etag"]).status == 304
    assert browser.ask("GET", "/static/deep/a.css").headers["content-type"].startswith("text/css")
    (tmp_path / "static" / "late.js").write_text("later")
    (tmp_path / "static" / "main.js").write_text("changed")
    assert browser.ask("GET", "/static/late.js").status == 404
    assert browser.ask("GET", "/static/main.js").body == b"export const one = 1;\n"


# --- large bodies -----------------------------------------------------------------------------------------------------


def _head(browser, port, path, *lines):
    host = f"127.0.0.1:{port}"
    return "\r\n".join([f"POST {path} HTTP/1.1", f"Host: {host}", f"Origin: http://{host}", f"Cookie: {browser.cookie}",
                        *lines, "", ""]).encode()  # fmt: skip


def _sent_until_refused(connection, block, most):
    """Send the block until the server ends the connection; how many bytes it took, and what it said."""
    sent = 0
    connection.settimeout(20)
    try:
        while sent < most:
            connection.sendall(block)
            sent += len(block)
    except OSError:
        pass
    return sent, _everything(connection)


def _everything(connection):
    """What the server says until it ends the connection."""
    answer = b""
    try:
        while part := connection.recv(65_536):
            answer += part
    except OSError:
        pass
    return answer


def test_an_announced_body_of_1_gb_is_refused_before_a_byte_of_it_is_read(server):
    browser = server.browser()
    with socket.create_connection(("127.0.0.1", server.port), 20) as connection:
        connection.sendall(_head(browser, server.port, "/api/case/masks/M-AAAA/stroke", f"Content-Length: {1 << 30}"))
        answer = _everything(connection)
    assert b" 413 " in answer.partition(b"\r\n")[0]
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]


@pytest.mark.parametrize("path", ["/api/case/masks/M-AAAA/stroke", "/api/case/masks/M-AAAA/answers", "/api/enter"])
def test_a_body_of_1_gb_without_its_length_is_refused_early_and_takes_no_memory(server, path):
    browser = server.browser()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    chunk = b"100000\r\n" + bytes(1 << 20) + b"\r\n"
    with socket.create_connection(("127.0.0.1", server.port), 20) as connection:
        connection.sendall(_head(browser, server.port, path, "Transfer-Encoding: chunked"))
        sent, answer = _sent_until_refused(connection, chunk, 1 << 30)
    assert sent < 64 << 20  # what the server takes, and what the sockets hold
    assert not answer or b" 413 " in answer.partition(b"\r\n")[0]  # a reset may overtake the answer
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) < 96 << 10  # KiB
    assert browser.ask("GET", "/api/me").status == 200


def test_a_chunked_body_just_too_large_is_answered_413(server):
    browser = server.browser()
    most = MOST_BYTES["/api/enter"]
    with socket.create_connection(("127.0.0.1", server.port), 20) as connection:
        body = f"{most + 1:x}\r\n".encode() + b" " * (most + 1) + b"\r\n0\r\n\r\n"
        connection.sendall(_head(browser, server.port, "/api/enter", "Transfer-Encoding: chunked") + body)
        answer = connection.recv(65_536)
    assert b" 413 " in answer.partition(b"\r\n")[0]


@pytest.mark.parametrize("length", ["-1", "1e3", "٣", "5, 6"])
def test_a_length_that_is_none_is_refused(server, length):
    browser = server.browser()
    with socket.create_connection(("127.0.0.1", server.port), 20) as connection:
        head = _head(browser, server.port, "/api/enter").decode()[:-2] + f"Content-Length: {length}\r\n\r\n12345"
        connection.sendall(head.encode())
        assert int(connection.recv(65_536).split()[1]) in (400, 413)


def test_a_get_has_no_body(server):
    assert server.browser().ask("GET", "/api/me", b"x").status == 413


# --- names ------------------------------------------------------------------------------------------------------------


def test_names_of_a_server():
    served = served_at("127.0.0.1", 8000, "http://Reading.Example.org:8443/")
    assert served.url == "http://reading.example.org:8443"
    assert "reading.example.org:8443" in served.hosts and "reading.example.org" not in served.hosts
    assert "http://localhost:8000" in served.origins and "https://reading.example.org:8443" not in served.origins
    assert served_at("::1", 8000).url == "http://[::1]:8000"
    assert served_at("0.0.0.0", 80).hosts >= {"localhost", "127.0.0.1:80"}
    assert not any("0.0.0.0" in host for host in served_at("0.0.0.0", 80).hosts)


@pytest.mark.parametrize("url", [
    "reading.example.org", "ftp://a.org", "https://", "https://a.org/room", "https://u:p@a.org", "https://a.org?x=1",
    "https://a.org:99999", "javascript:alert(1)", "https://a.org/#t",
])  # fmt: skip
def test_a_public_url_that_is_no_host_is_refused(url):
    with pytest.raises(UsageError, match="public-url"):
        public_origin(url)
