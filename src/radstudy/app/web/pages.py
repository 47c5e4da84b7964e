"""The pages and scripts, read once when the server starts: what is asked for is looked up, never opened.

So no path that a browser sends reaches the file system.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from radstudy.app.web.answers import Handler, answered, json_response
from radstudy.app.web.needs import Json, UnknownError
from radstudy.protocol.yaml_text import parse_yaml, plain
from radstudy.store import bytes_hash

STATIC = Path(__file__).parents[1] / "static"
STRINGS = Path(__file__).parents[1] / "strings.yaml"
ENTRY = Path(__file__).parent / "entry.html"
_TYPES = {
    ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon", ".json": "application/json",
    ".woff2": "font/woff2",
}  # fmt: skip
_KEPT = "private, no-cache"  # the browser may keep a script, and asks each time whether it is still the same


@dataclass(frozen=True)
class Page:
    """One file as it is sent."""

    content: bytes
    kind: str
    tag: str

    @classmethod
    def read(cls, file: Path) -> Page:
        """Read a file."""
        return cls.of(file.name, file.read_bytes())

    @classmethod
    def of(cls, name: str, content: bytes) -> Page:
        """A page with this content, which need not be a file."""
        return cls(content, _TYPES[Path(name).suffix], f'"{bytes_hash(content)}"')

    def response(self, request: Request) -> Response:
        """The file, or that it is the one that the browser has."""
        headers = {"cache-control": _KEPT, "etag": self.tag}
        if request.headers.get("if-none-match") == self.tag:
            return Response(status_code=304, headers=headers)
        return Response(self.content, headers=headers, media_type=self.kind)


def read_pages(folder: Path) -> Mapping[str, Page]:
    """Path within the folder to each file of a kind that pages consist of."""
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.suffix in _TYPES)
    return {file.relative_to(folder).as_posix(): Page.read(file) for file in files}


@dataclass(frozen=True)
class PageRoutes:
    """The routes of pages and scripts.

    Parameters
    ----------
    pages : of `read_pages`.
    entry : the first page, which turns a link's token into a cookie.
    address, page : of the page behind it; ``room.html`` is the one that readers and the lead see.
    more : further fields of every error.
    """

    pages: Mapping[str, Page]
    entry: Path = ENTRY
    address: str = "/room"
    page: str = "room.html"
    more: Json = field(default_factory=dict)

    def routes(self) -> list[Route]:
        """All of them."""
        table: dict[str, Handler] = {"/": _entry(self.entry), self.address: self.room,
                                     "/static/{path:path}": self.static}  # fmt: skip
        return [Route(path, answered(handler, self.more), methods=["GET"]) for path, handler in table.items()]

    async def room(self, request: Request) -> Response:
        """The page behind the entry."""
        return self._page(self.page).response(request)

    async def static(self, request: Request) -> Response:
        """A script, style or picture."""
        return self._page(request.path_params["path"]).response(request)

    def _page(self, name: str) -> Page:
        if name not in self.pages:
            raise UnknownError("there is no such page")
        return self.pages[name]


async def nothing_there(_: Request, error: Exception) -> Response:
    """The answer for a path or a method that no route has."""
    response = json_response({"error": "there is no such page"}, getattr(error, "status_code", 404))
    for name, value in (getattr(error, "headers", None) or {}).items():  # Allow, of 405
        response.headers[name] = value
    return response


def _entry(file: Path) -> Handler:
    """The first page and, at the same path, its script: all that is sent without a cookie."""
    page, script = Page.read(file), Page.read(ENTRY.with_suffix(".js"))

    async def entry(request: Request) -> Response:
        sent = script if request.url.query == "entry" else page
        return Response(sent.content, media_type=sent.kind)

    return entry


def strings(*sections: str) -> Json:
    """The texts of some pages: a reader hears nothing that his own page does not say.

    Parameters
    ----------
    sections : of strings.yaml.
    """
    texts = plain(parse_yaml(STRINGS.read_text(encoding="utf-8"), STRINGS.name))
    return {name: texts[name] for name in sections}
