"""Links of a built site that lead nowhere are seen: a file, a heading, the network."""

import pytest

from website.anchors import broken_links

GOOD = '<h1 id="top-of-it">x</h1><a href="b.html#there">b</a><a href="#top-of-it">up</a><a href="https://e.org">o</a>'


@pytest.fixture
def site(tmp_path):
    (tmp_path / "a.html").write_text(GOOD)
    (tmp_path / "b.html").write_text('<p id="there"></p><script src="s.js"></script>')
    (tmp_path / "s.js").write_text("")
    return tmp_path


def test_a_whole_site_has_none(site):
    assert broken_links(site) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('<a href="c.html">c</a>', "a.html: c.html is not there"),
        ('<a href="b.html#gone">b</a>', "a.html: b.html#gone: the page has no such heading"),
        ('<a href="#gone">b</a>', "a.html: #gone: the page has no such heading"),
        (
            '<script src="https://cdn.example.org/x.js"></script>',
            "a.html: https://cdn.example.org/x.js is loaded from the network",
        ),
        ('<img src="gone.png">', "a.html: gone.png is not there"),
    ],
)
def test_what_leads_nowhere_is_named(site, text, reason):
    (site / "a.html").write_text(GOOD + text)
    assert broken_links(site) == [reason]
