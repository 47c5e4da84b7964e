"""Routes of the study lead's page. Agreement between readers is hidden from a lead who still reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from radstudy.app.reading.links import PersonalLink
from radstudy.app.web.answers import Body, Handler, Name, NothingBody, answered, body_of, json_response, visitor_of
from radstudy.app.web.events import Events
from radstudy.app.web.needs import IncompleteError, Json, NotAllowedError, ReadingRoom, UnknownError
from radstudy.app.web.sessions import Doorkeeper, require_lead
from radstudy.app.web.volumes import ServedImages, StoredImage, octets_response
from radstudy.errors import DataError
from radstudy.store import temporary_folder, write_bytes

_SUFFIXES = (".nii.gz", ".nii", ".seg.nrrd", ".nrrd", ".mha", ".dcm")  # of masks that are taken in
_GZIP = b"\x1f\x8b"


class LinkBody(Body):
    """Whose link to make; without a task it opens all of the reader's."""

    reader: Name
    task: Annotated[str, Field(max_length=64)] = ""


class ReopenBody(Body):
    """The case to open again, with the reason."""

    reader: Name
    task: Name
    patient: Name
    lesion: Name = "1"
    reason: Annotated[str, Field(min_length=3, max_length=2_000)]
    repeat: bool = False


class AnewBody(Body):
    """The drawing to begin anew, since its image was replaced, with the reason."""

    reader: Name
    patient: Name
    lesion: Name = "1"
    sequence: Name
    reason: Annotated[str, Field(min_length=3, max_length=2_000)]
    repeat: bool = False


class OpenedBody(Body):
    """The reader who has learned outcomes: what, and how."""

    reader: Name
    detail: Annotated[str, Field(min_length=3, max_length=2_000)]


class ArrowBody(Body):
    """Position of the target lesion (RAS, mm); null removes the arrow."""

    patient: Name
    lesion: Name = "1"
    ras: Annotated[list[float], Field(min_length=3, max_length=3)] | None


@dataclass(frozen=True)
class LeadRoutes:
    """The routes of the study lead.

    Parameters
    ----------
    room, images : behind them.
    doorkeeper : makes and revokes links.
    events : told of links that end.
    url : that links begin with.
    is_local : the server is reached from this computer alone; then nothing is compressed.
    """

    room: ReadingRoom
    images: ServedImages
    doorkeeper: Doorkeeper
    events: Events
    url: str
    is_local: bool = True

    def routes(self) -> list[Route]:
        """All of them."""
        table: list[tuple[str, str, Handler]] = [
            ("GET", "progress", self._shown(self.room.lead_progress)),
            ("GET", "agreement", self._shown(self.room.lead_agreement, hidden=True)),
            ("GET", "disagreements", self._shown(self.room.lead_disagreements, hidden=True)),
            ("GET", "links", self.links),
            ("POST", "links", self.new_link),
            ("DELETE", "links/{id}", self.revoke),
            ("POST", "reopen", self.reopen),
            ("GET", "lesion/{patient}/{lesion}", self.lesion),
            ("GET", "lesion/{patient}/{lesion}/volume/{sequence}/{image}", self.volume),
            ("POST", "anew", self.anew),
            ("POST", "opened", self.opened),
            ("POST", "arrow", self.arrow),
            ("POST", "export", self.export),
            ("POST", "takein", self.take_in),
        ]
        return [Route(f"/api/lead/{path}", answered(_of_lead(handler)), methods=[method])
                for method, path, handler in table]  # fmt: skip

    def _shown(self, content: Callable[[], Json], *, hidden: bool = False) -> Handler:
        """Answer of the room to the lead; `hidden` from one who still reads."""

        async def shown(request: Request) -> Response:
            reader = visitor_of(request).reader
            if hidden and reader and await run_in_threadpool(self.room.still_reads, reader):
                raise NotAllowedError("you still read in this study: this is shown when your cases are closed")
            return json_response(await run_in_threadpool(content))

        return shown

    async def links(self, _: Request) -> Response:
        """All personal links, without their tokens: those are kept nowhere."""
        links = await run_in_threadpool(self.room.links.links)
        return json_response({"links": [_described(link) for link in links]})

    async def new_link(self, request: Request) -> Response:
        """Make a personal link; it is shown this once."""
        body = await body_of(request, LinkBody)
        self._require_reader(body.reader)
        tasks = self.room.tasks_of(body.reader)
        if body.task and body.task not in tasks:
            raise IncompleteError(f"task: {body.reader} has {', '.join(tasks)}")
        link, token = await run_in_threadpool(
            lambda: self.doorkeeper.new_link(role="reader", reader=body.reader, task=body.task)
        )
        return json_response({"url": f"{self.url}/#{token}", **_described(link)})

    async def revoke(self, request: Request) -> Response:
        """End a personal link and what is open by it."""
        link_id = request.path_params["id"]
        known = await run_in_threadpool(self.room.links.links)
        if link_id not in {link.id for link in known}:
            raise UnknownError("there is no such link")
        await run_in_threadpool(self.doorkeeper.revoke, link_id)
        self.events.drop(link_id)
        return json_response({})

    async def reopen(self, request: Request) -> Response:
        """Open a closed case again."""
        body = await body_of(request, ReopenBody)
        content = await run_in_threadpool(lambda: self.room.reopen(**body.model_dump(exclude={"tab"})))
        self.events.publish("progress", {"task": body.task}, reader=body.reader)
        return json_response(content)

    async def anew(self, request: Request) -> Response:
        """Have a lesion drawn anew on a replaced image."""
        body = await body_of(request, AnewBody)
        content = await run_in_threadpool(lambda: self.room.begin_anew(**body.model_dump(exclude={"tab"})))
        self.events.publish("progress", {"task": "masks"}, reader=body.reader)
        return json_response(content)

    def _require_reader(self, name: str) -> None:
        if name not in self.room.readers():
            raise IncompleteError(f"reader: there is none of this name; there are {', '.join(self.room.readers())}")

    async def opened(self, request: Request) -> Response:
        """Note that a reader has learned outcomes."""
        body = await body_of(request, OpenedBody)
        self._require_reader(body.reader)
        return json_response(
            await run_in_threadpool(lambda: self.room.note_outcomes_opened(reader=body.reader, detail=body.detail))
        )

    async def lesion(self, request: Request) -> Response:
        """A lesion of the study, for placing the arrow."""

        def looked_up() -> Json:
            document, images = self.room.lesion_of_study(**_lesion(request))
            return {**document, "sequences": self.images.document(images)}

        return json_response(await run_in_threadpool(looked_up))

    async def volume(self, request: Request) -> Response:
        """The voxels of one image of a lesion."""
        sequence, kind = request.path_params["sequence"], request.path_params["image"]

        def read() -> StoredImage:
            _, images = self.room.lesion_of_study(**_lesion(request))
            return self.images.image(images, sequence, kind)

        return await octets_response(request, await run_in_threadpool(read), is_local=self.is_local)

    async def arrow(self, request: Request) -> Response:
        """Point at the target lesion."""
        body = await body_of(request, ArrowBody)
        ras = None if body.ras is None else (body.ras[0], body.ras[1], body.ras[2])
        return json_response(
            await run_in_threadpool(lambda: self.room.place_arrow(patient=body.patient, lesion=body.lesion, ras=ras))
        )

    async def export(self, request: Request) -> Response:
        """Write the record of all closed cases."""
        await body_of(request, NothingBody)
        return json_response(await run_in_threadpool(self.room.export))

    async def take_in(self, request: Request) -> Response:
        """Take in a mask drawn elsewhere: the body is the file, the query says whose it is and of what kind."""
        asked = request.query_params
        names = {name: asked.get(name, "") for name in ("reader", "patient", "lesion", "sequence")}
        if missing := [name for name, value in names.items() if not 0 < len(value) <= 64]:
            raise IncompleteError(f"{', '.join(missing)}: say whose mask this is")
        if asked.get("suffix") not in _SUFFIXES:
            raise IncompleteError(f"suffix: of the file, one of {', '.join(_SUFFIXES)}")
        content = await request.body()
        return json_response(await run_in_threadpool(self._taken_in, names, asked["suffix"], content))

    def _taken_in(self, names: dict[str, str], suffix: str, content: bytes) -> Json:
        if suffix.endswith(".gz") != content.startswith(_GZIP):
            raise IncompleteError(f"the file is not what its name says ({suffix})")
        with temporary_folder() as folder:
            file = Path(folder) / f"mask{suffix}"
            write_bytes(file, content, private=True)
            return self.room.take_in(**names, file=file)


def _of_lead(handler: Handler) -> Handler:
    """The handler, for the lead alone, who is told what is wrong with names and files."""

    async def let_in(request: Request) -> Response:
        require_lead(visitor_of(request))
        try:
            return await handler(request)
        except DataError as error:
            raise IncompleteError(str(error)) from error

    return let_in


def _lesion(request: Request) -> dict[str, str]:
    """Patient and lesion that a request names."""
    return {name: request.path_params[name] for name in ("patient", "lesion")}


def _described(link: PersonalLink) -> Json:
    return {
        "id": link.id, "reader": link.reader, "task": link.task, "role": link.role, "created_at": link.created_at,
        "revoked_at": link.revoked_at,
    }  # fmt: skip
