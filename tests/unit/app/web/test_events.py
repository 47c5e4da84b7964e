"""Open pages are told what concerns them, and no more."""

import asyncio
import socket
import time

import pytest

from radstudy.app.web.events import Events, TooManyPagesError
from radstudy.app.web.sessions import Visitor
from unit.app.web.conftest import run_server

ANNA, BORIS, LEAD = (Visitor(*parts) for parts in
                     (("1", "reader", "anna", ""), ("2", "reader", "boris", ""), ("3", "lead", "", "")))  # fmt: skip


async def _page(events, visitor):
    stream = events.stream(visitor)
    assert (await anext(stream)).startswith(b"retry")
    return stream


async def _rest(stream):
    return [event async for event in stream]


def test_each_page_is_told_of_its_own_reader_and_the_lead_of_progress_alone():
    async def scene():
        events = Events()
        events.start()
        pages = [await _page(events, one) for one in (ANNA, BORIS, LEAD)]
        events.publish("progress", {"task": "masks"}, reader="anna")
        events.publish("taken", {"id": "M-1"}, reader="anna")
        await asyncio.sleep(0)
        events.close()
        return [await _rest(page) for page in pages], events.count

    (anna, boris, lead), count = asyncio.run(scene())
    bye = b"event: bye\ndata: {}\n\n"
    progress, taken = b'event: progress\ndata: {"task": "masks"}\n\n', b'event: taken\ndata: {"id": "M-1"}\n\n'
    assert anna == [progress, taken, bye] and boris == [bye] and lead == [progress, bye] and count == 0


def test_a_page_that_does_not_read_is_dropped_and_keeps_nothing():
    async def scene():
        events = Events()
        events.start()
        slow = await _page(events, ANNA)
        for _ in range(1000):
            events.publish("progress", {}, reader="anna")
        await asyncio.sleep(0)
        assert events.count == 0
        return await _rest(slow)

    assert len(asyncio.run(scene())) == 32


def test_a_quiet_stream_shows_signs_of_life_and_its_end_is_noticed():
    async def scene():
        events = Events(heartbeat_s=0.01)
        events.start()
        page = await _page(events, ANNA)
        assert await anext(page) == b": alive\n\n"
        assert events.count == 1
        await page.aclose()
        return events.count

    assert asyncio.run(scene()) == 0


def test_streams_of_one_link_are_bounded_and_end_with_it():
    async def scene():
        events = Events()
        events.start()
        pages = [await _page(events, ANNA) for _ in range(16)]
        with pytest.raises(TooManyPagesError):
            events.stream(ANNA)
        other = await _page(events, BORIS)
        events.drop("1")
        await asyncio.sleep(0)
        assert events.count == 1
        assert [await _rest(page) for page in pages] == [[]] * 16
        await other.aclose()

    asyncio.run(scene())


def test_nothing_is_told_before_the_server_runs_or_after_it():
    Events().publish("progress", {}, reader="anna")

    async def scene():
        events = Events()
        events.start()
        events.close()
        return await _rest(events.stream(ANNA))

    assert asyncio.run(scene()) == []


# --- over the wire ----------------------------------------------------------------------------------------------------


@pytest.fixture
def quick(tmp_path):
    yield from run_server(tmp_path, heartbeat_s=0.05)


def _listening(running, cookie):
    connection = socket.create_connection(("127.0.0.1", running.port), 20)
    host = f"127.0.0.1:{running.port}"
    connection.sendall(f"GET /api/events HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n\r\n".encode())
    return connection


def _until(connection, text):
    got, until = b"", time.monotonic() + 20
    while text not in got and time.monotonic() < until:
        part = connection.recv(65_536)
        if not part:
            break
        got += part
    return got


def test_taking_a_case_is_told_to_the_readers_pages_over_the_wire(quick):
    anna = quick.browser()
    with _listening(quick, anna.cookie) as connection:
        head = _until(connection, b": alive")
        assert b"text/event-stream" in head and b"no-store" in head
        anna.ask("POST", "/api/case/masks/M-AAAA/open", {"tab": "new", "take": True})
        assert b'event: taken\ndata: {"task": "masks", "id": "M-AAAA", "tab": "new"}' in _until(connection, b'"new"')
    until = time.monotonic() + 20
    while quick.events.count and time.monotonic() < until:
        time.sleep(0.02)
    assert quick.events.count == 0


def test_a_revoked_link_ends_its_open_stream(quick):
    lead = quick.browser(reader="", role="lead")
    made = lead.ask("POST", "/api/lead/links", {"reader": "boris"}).json
    boris = quick.browser()
    boris.cookie = ""
    boris.enter(made["url"].partition("#")[2])
    with _listening(quick, boris.cookie) as connection:
        _until(connection, b": alive")
        lead.ask("DELETE", f"/api/lead/links/{made['id']}")
        assert _until(connection, b"0\r\n\r\n").endswith(b"0\r\n\r\n")
