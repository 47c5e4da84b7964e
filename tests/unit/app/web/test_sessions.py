"""Links and the sessions that they open."""

import hashlib

import pytest

from radstudy.app.web.needs import NotAllowedError
from radstudy.app.web.sessions import Doorkeeper, NotKnownError, TooManyError, Visitor, require_lead, require_reader
from unit.app.web.conftest import Browser
from unit.app.web.memory_room import MemoryLinks


def test_a_token_opens_a_session_by_cookie_and_neither_is_kept():
    store = MemoryLinks()
    keeper = Doorkeeper(store)
    link, token = keeper.new_link(role="reader", reader="anna", task="masks")
    secret = keeper.enter(token, "127.0.0.1")
    assert keeper.visitor(f"other=1; {keeper.cookie}={secret}") == Visitor(link.id, "reader", "anna", "masks")
    assert store.kept[0].token_hash == hashlib.sha256(token.encode()).hexdigest()
    everything = repr(store.kept) + repr(vars(keeper))
    assert token not in everything and secret not in everything and token != secret
    assert len(token) >= 43 and len(secret) >= 43  # 256 bits


def test_the_cookie_is_closed_to_scripts_and_to_other_sites_and_of_this_instance():
    keeper, other = Doorkeeper(MemoryLinks()), Doorkeeper(MemoryLinks())
    parts = [part.strip() for part in keeper.header("s", encrypted=False).split(";")]
    assert parts == [f"{keeper.cookie}=s", "Path=/", "HttpOnly", "SameSite=Strict"]
    assert keeper.header("s", encrypted=True).endswith("; Secure")
    assert keeper.cookie != other.cookie


@pytest.mark.parametrize("cookies", ["", "x", "{c}", "{c}=", "{c}=wrong", "x{c}={s}", "{c}={s}; {c}={s}", "{c}={s}x"])
def test_other_cookies_open_nothing(cookies):
    keeper = Doorkeeper(MemoryLinks())
    secret = keeper.enter(keeper.launch(role="reader", reader="anna"), "a")
    assert keeper.visitor(f"{keeper.cookie}={secret}") is not None
    assert keeper.visitor(cookies.format(c=keeper.cookie, s=secret)) is None


@pytest.mark.parametrize("token", ["", "wrong", "é\udce9", "x" * 4000])
def test_a_wrong_token_opens_nothing(token):
    keeper = Doorkeeper(MemoryLinks())
    keeper.new_link(role="reader", reader="anna")
    with pytest.raises(NotKnownError):
        keeper.enter(token, "a")


def test_guessing_is_slowed_down_for_each_address_and_keeps_nobody_out_who_has_a_link():
    now = [0.0]
    keeper = Doorkeeper(MemoryLinks(), clock=lambda: now[0])
    token = keeper.launch(role="reader", reader="anna")
    for _ in range(10):
        with pytest.raises(NotKnownError):
            keeper.enter("wrong", "10.0.0.1")
    with pytest.raises(TooManyError):
        keeper.enter("wrong", "10.0.0.1")
    assert keeper.enter(token, "10.0.0.1")  # a reader behind the same proxy as the one who guesses
    with pytest.raises(NotKnownError):
        keeper.enter("wrong", "10.0.0.2")
    now[0] = 59.9
    with pytest.raises(TooManyError):
        keeper.enter("wrong", "10.0.0.1")
    now[0] = 60.1
    with pytest.raises(NotKnownError):
        keeper.enter("wrong", "10.0.0.1")


def test_a_revoked_link_ends_its_sessions_and_no_others():
    keeper = Doorkeeper(MemoryLinks())
    first, token = keeper.new_link(role="reader", reader="anna")
    _, other = keeper.new_link(role="reader", reader="boris")
    cookies = [f"{keeper.cookie}={keeper.enter(one, 'a')}" for one in (token, token, other)]
    keeper.revoke(first.id)
    assert [keeper.visitor(cookie) is None for cookie in cookies] == [True, True, False]
    with pytest.raises(NotKnownError):
        keeper.enter(token, "a")


def test_the_number_of_sessions_is_bounded():
    keeper = Doorkeeper(MemoryLinks())
    token = keeper.launch(role="reader", reader="anna")
    first = keeper.enter(token, "a")
    last = [keeper.enter(token, "a") for _ in range(500)][-1]
    assert keeper.visitor(f"{keeper.cookie}={first}") is None
    assert keeper.visitor(f"{keeper.cookie}={last}") is not None


def test_who_may_do_what():
    reader, lead = Visitor("l", "reader", "anna", "masks"), Visitor("l", "lead", "", "")
    assert require_reader(reader, "masks") == "anna"
    require_lead(lead)
    for refused in (lambda: require_reader(reader, "characteristics"), lambda: require_reader(lead),
                    lambda: require_lead(reader)):  # fmt: skip
        with pytest.raises(NotAllowedError):
            refused()


# --- over the wire ----------------------------------------------------------------------------------------------------


def test_entering_by_the_wire(server):
    browser = Browser(server.port)
    assert browser.enter("wrong").status == 401
    answer = browser.enter(server.doorkeeper.launch(role="reader", reader="anna"))
    assert answer.status == 200 and not answer.json
    assert "HttpOnly; SameSite=Strict" in answer.headers["set-cookie"]
    assert browser.ask("GET", "/room").body.startswith(b"<!doctype html>")
    for body in (b"", b"{", b"[]", {"token": 3}, {"token": "a", "role": "lead"}, b"\xff", b"[" * 4000):
        assert Browser(server.port).ask("POST", "/api/enter", body).status == 422


def test_wrong_links_by_the_wire_are_slowed_down(server):
    statuses = [Browser(server.port).enter("wrong").status for _ in range(12)]
    assert statuses == [401] * 10 + [429] * 2


def test_a_personal_link_works_until_it_is_revoked(server):
    lead = server.browser(reader="", role="lead")
    made = lead.ask("POST", "/api/lead/links", {"reader": "boris", "task": "masks", "tab": "t"})
    assert made.status == 200
    url, _, token = made.json["url"].partition("/#")
    assert url == f"http://127.0.0.1:{server.port}"
    boris = Browser(server.port)
    assert boris.enter(token).status == 200
    assert boris.ask("GET", "/api/me").json["tasks"] == [{"task": "masks", "closed": 0, "total": 1}]
    listed = lead.ask("GET", "/api/lead/links")
    assert [one["reader"] for one in listed.json["links"]] == ["boris"]
    assert token.encode() not in listed.body and b"hash" not in listed.body
    assert lead.ask("DELETE", "/api/lead/links/unknown").status == 404
    assert lead.ask("DELETE", f"/api/lead/links/{made.json['id']}").status == 200
    assert boris.ask("GET", "/api/me").status == 401
    assert boris.enter(token).status == 401
    assert lead.ask("GET", "/api/lead/links").json["links"][0]["revoked_at"]
