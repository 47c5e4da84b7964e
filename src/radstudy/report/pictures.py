"""Pictures of every lesion in three planes with the readers' contours: small in the page, and large beside it.

The page shows thumbnails, of a large cohort those of a stated sample. `drawn` draws each one small and large.
"""

from __future__ import annotations

import base64
import io
import re
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, features

from radstudy.protocol.words import listed
from radstudy.report.cited import plain, quoted
from radstudy.report.facts import AbsentError, RunFacts
from radstudy.report.notice import watermark

HEIGHT = 150  # of a plane in the page, pixels
IN_PAGE = 1200  # thumbnails, at about 8 kB each
LARGE = 400  # of a plane in a file, pixels: 34 mm at 300 dpi, so that three fill the column of a journal
DPI = 300
_WIDEST = 230 / 150  # of a plane, in heights
_DASH = 0.55  # drawn share of each voxel's side
_GAP = 4 / 150  # between planes, in heights
_GROUND = (18, 22, 26)
_NUMBERS = re.compile(r"[-+]?\d+(?:\.\d+)?(?:, [-+]?\d+(?:\.\d+)?)*")
_COLOURS = ((230, 159, 0), (86, 180, 233), (0, 158, 115), (204, 121, 167))  # Okabe and Ito's, one per reader
_QUALITY, _LARGE_QUALITY = 75, 90
_MARK = (255, 190, 150)  # of a watermark


_Place = tuple[str, str, str]  # patient, lesion, sequence


@dataclass(frozen=True)
class Picture:
    """One lesion on one sequence.

    Parameters
    ----------
    sequence, lesion : what is shown.
    source : data URI of the thumbnail; empty if the file cannot be read, or the picture is not of the sample.
    alt : description for readers who cannot see it.
    warnings : warnings from the preparation.
    file : name of the large picture in report/pictures; empty if there is none.
    planes : file with the planes; None if there is none.
    """

    sequence: str
    lesion: str
    source: str
    alt: str
    warnings: tuple[str, ...]
    file: str = ""
    planes: Path | None = None


@dataclass(frozen=True)
class Album:
    """All pictures of one patient.

    Parameters
    ----------
    patient, pictures : the patient, and the lesions on every sequence.
    warnings : number of unusual warnings.
    in_page : True if the page has the thumbnails.
    """

    patient: str
    pictures: tuple[Picture, ...]
    warnings: int = field(default=0)
    in_page: bool = True


@dataclass(frozen=True)
class PicturePlanes:
    """The planes that a picture is drawn from.

    Parameters
    ----------
    file : of the step prepare.
    in_page : True if the page has a thumbnail of it.
    """

    file: Path
    in_page: bool


@dataclass(frozen=True)
class DrawnPicture:
    """A lesion's picture.

    Parameters
    ----------
    name : of its file, without ending.
    source : data URI of the thumbnail; "" if none was asked for.
    large : content of the large JPEG; None if the planes cannot be read.
    problem : why they cannot be read.
    """

    name: str
    source: str
    large: bytes | None
    problem: str = ""


def albums(facts: RunFacts) -> list[Album]:
    """The pictures by patient, those with unusual warnings first; `filled` puts the thumbnails in.

    A warning shared by most lesions of a sequence concerns the sequence (table of warnings), not the lesion: it is
    printed, but does not move a patient to the front.

    Raises
    ------
    AbsentError : the study file does not ask for pictures, or there are none.
    """
    if not facts.protocol.report.quality_pictures:
        raise AbsentError("The study file does not ask for quality-control images (report.quality_pictures).")
    lesions = facts.frame("prepare/lesions.csv")
    if not facts.pictures:
        raise AbsentError("prepare/pictures is empty: no lesion passed the checks of the step 'prepare'.")
    paths = {path.stem: path for path in facts.pictures}
    warned = _warned(facts, lesions)
    usual = _usual(warned, lesions)
    sheets = []
    for patient, part in lesions.groupby("patient", sort=False):
        places = list(dict.fromkeys(zip(part["lesion"], part["sequence"], strict=True)))
        drawn = [_picture(paths, str(patient), *place, warned, facts) for place in places]
        unusual = sum(
            _kind(plain(warning)) not in usual.get(picture.sequence, ())
            for picture in drawn
            for warning in picture.warnings
        )
        sheets.append(Album(str(patient), tuple(drawn), unusual))
    return _sample(sorted(sheets, key=lambda album: -album.warnings))  # stable: ties keep the cohort's order


def _sample(sheets: list[Album]) -> list[Album]:
    """The albums, marked whether the page has their thumbnails: of many, the first half of what fits, and then patients
    at equal steps through the others.
    """
    most = max(IN_PAGE // max((len(album.pictures) for album in sheets), default=1), 1)
    if len(sheets) <= most:
        return sheets
    first = most // 2
    step = (len(sheets) - first) / (most - first)
    chosen = {*range(first), *(first + int(index * step) for index in range(most - first))}
    return [replace(album, in_page=index in chosen) for index, album in enumerate(sheets)]


def planes_of(sheets: Sequence[Album]) -> list[PicturePlanes]:
    """The planes of all pictures of some albums."""
    return [
        PicturePlanes(one.planes, album.in_page) for album in sheets for one in album.pictures if one.planes is not None
    ]


def filled(sheets: Sequence[Album], thumbnails: Mapping[Path, DrawnPicture]) -> list[Album]:
    """The albums with their thumbnails, or the reason why a picture cannot be shown."""
    return [replace(album, pictures=tuple(_filled(one, thumbnails) for one in album.pictures)) for album in sheets]


def _filled(picture: Picture, thumbnails: Mapping[Path, DrawnPicture]) -> Picture:
    if picture.planes is None or picture.planes not in thumbnails:
        return picture
    own = thumbnails[picture.planes]
    if own.large is None:
        return replace(picture, alt=f"The picture of {picture.planes.stem} cannot be read: {own.problem}", file="")
    return replace(picture, source=own.source)


def _warned(facts: RunFacts, lesions: pd.DataFrame) -> dict[_Place, tuple[str, ...]]:
    """The warnings at each lesion: those of its masks, and those of the volume that it lies in."""
    places = [(_place(row), row["warnings"]) for _, row in lesions.iterrows()]
    volumes = facts.frames.get("prepare/volumes.csv")
    if volumes is not None and "warnings" in volumes:
        on_volume = {(row["patient"], row["sequence"]): row["warnings"] for _, row in volumes.iterrows()}
        known = dict.fromkeys(place for place, _ in places)
        places += [(place, on_volume.get((place[0], place[2]), "")) for place in known]
    by_place: dict[_Place, list[str]] = {}
    for place, warnings in places:
        for text in filter(None, str(warnings).split("; ")):
            here = by_place.setdefault(place, [])
            if text not in map(plain, here):
                here.append(quoted(warnings, text))
    return {place: tuple(texts) for place, texts in by_place.items()}


def _usual(warned: Mapping[_Place, Sequence[str]], lesions: pd.DataFrame) -> dict[str, set[str]]:
    """Sequence to the kinds of warning that more than half of its lesions have."""
    every = Counter(sequence for _, _, sequence in {_place(row) for _, row in lesions.iterrows()})
    kinds = Counter(
        (place[2], kind) for place, texts in warned.items() for kind in {_kind(plain(one)) for one in texts}
    )
    usual: dict[str, set[str]] = {}
    for (sequence, kind), count in kinds.items():
        if count > every[sequence] / 2:
            usual.setdefault(sequence, set()).add(kind)
    return usual


def _place(row: pd.Series[Any]) -> _Place:
    return str(row["patient"]), str(row["lesion"]), str(row["sequence"])


def _kind(warning: str) -> str:
    """A warning without its numbers: lesions with the same one for other sizes have the same kind."""
    return _NUMBERS.sub("#", warning)


def _picture(
    paths: Mapping[str, Path],
    patient: str,
    lesion: str,
    sequence: str,
    warned: Mapping[_Place, tuple[str, ...]],
    facts: RunFacts,
) -> Picture:
    name, readers = f"{patient}_{lesion}_{sequence}", facts.protocol.cohort.readers
    warnings = warned.get((patient, lesion, sequence), ())
    if name not in paths:
        return Picture(sequence, lesion, "", f"There is no picture of {name}.", warnings)
    drew = listed(_readers_of(paths[name], readers))
    contours = f"the contours of {drew}" if len(readers) > 1 else facts.contours
    alt = f"Patient {patient}, {sequence}: axial, coronal and sagittal plane with {contours}"
    return Picture(sequence, lesion, "", alt, warnings, f"{name}.jpg", paths[name])


def _readers_of(planes: Path, readers: Sequence[str]) -> list[str]:
    """The readers whose contours a file has; all of them if it cannot be read, which `drawn` says."""
    try:
        with zipfile.ZipFile(planes) as archive:
            names = set(archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return list(readers)
    return [reader for reader in readers if f"mask_{reader}_0.npy" in names]


def drawn(planes: PicturePlanes, readers: tuple[str, ...], notice: str) -> DrawnPicture:
    """The picture of a lesion, small for the page and large enough to publish.

    Parameters
    ----------
    planes : where they are, and whether the page has a thumbnail.
    readers : the readers, in the order of their colours.
    notice : of the study; a watermark across the thumbnail, and a line below the large picture.
    """
    name = planes.file.stem
    try:
        with np.load(planes.file) as arrays:
            content = dict(arrays)
        small = data_uri(draw(content, readers), watermark(notice)) if planes.in_page else ""
        picture = draw(content, readers, height=LARGE, notice=notice)
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        return DrawnPicture(name, "", None, str(error))
    memory = io.BytesIO()
    picture.save(memory, format="JPEG", quality=_LARGE_QUALITY, subsampling=0, dpi=(DPI, DPI))
    return DrawnPicture(name, small, memory.getvalue())


@lru_cache(maxsize=8)
def _band(notice: str, width: int) -> Image.Image:
    """A line with the study's notice, in letters that fit the width of a picture above it."""
    size = LARGE // 20
    font = ImageFont.load_default(size)
    while size > 8 and font.getlength(notice) > width - 16:
        size -= 1
        font = ImageFont.load_default(size)
    band = Image.new("RGB", (width, 2 * size), _GROUND)
    ImageDraw.Draw(band).text((8, size // 3), notice, fill=(255, 214, 102), font=font)
    return band


def draw(
    planes: Mapping[str, NDArray[Any]], readers: tuple[str, ...], *, height: int = HEIGHT, notice: str = ""
) -> Image.Image:
    """The three planes side by side, in true proportions, with every reader's contour.

    Parameters
    ----------
    planes : as the step prepare writes them: ``image_i`` uint8 (rows, columns), ``spacing_i`` mm, ``mask_<reader>_i``.
    readers : the readers, in the order of their colours.
    height : height of the planes, pixels.
    notice : of the study, below them; "" prints none.
    """
    panels = [draw_plane(planes, index, readers, height=height) for index in range(3)]
    gap = max(round(_GAP * height), 1)
    width = sum(panel.width for panel in panels) + 2 * gap
    band = _band(notice, width) if notice else None
    strip = Image.new("RGB", (width, height + (band.height if band else 0)), _GROUND)
    if band:
        strip.paste(band, (0, height))
    x = 0
    for panel in panels:
        strip.paste(panel, (x, (height - panel.height) // 2))
        x += panel.width + gap
    return strip


def axial_pictures(facts: RunFacts, patient: str, lesion: str, *, height: int = 300) -> dict[str, Image.Image]:
    """The axial plane of a lesion with every reader's contour, by sequence; those that cannot be read are left out.

    Parameters
    ----------
    facts : the run; a study that asks for no pictures has none.
    patient, lesion : the lesion.
    height : height of a picture, pixels.
    """
    if not facts.protocol.report.quality_pictures:
        return {}
    paths = {path.stem: path for path in facts.pictures}
    drawn: dict[str, Image.Image] = {}
    mark = watermark(facts.protocol.notice)
    for sequence in facts.protocol.sequences:
        path = paths.get(f"{patient}_{lesion}_{sequence}")
        if path is None:
            continue
        try:
            with np.load(path) as planes:
                plane = draw_plane(dict(planes), 0, facts.protocol.cohort.readers, height=height, edged=True)
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):  # damaged, or of another version
            continue
        drawn[sequence] = _marked(plane, mark) if mark else plane
    return drawn


def contours_of(facts: RunFacts, patient: str, lesion: str) -> str:
    """The contours of a lesion in words, with the readers who drew it: those after the first reader are dashed."""
    lesions = facts.frame("prepare/lesions.csv")
    drew = set(lesions.loc[(lesions["patient"] == patient) & (lesions["lesion"] == lesion), "reader"])
    first, *others = facts.protocol.cohort.readers
    if not others:
        return facts.contours
    others = [reader for reader in others if reader in drew]
    told = ([first] if first in drew else []) + [f"{reader} (dashed)" for reader in others]
    return f"the {'contour' if len(told) == 1 else 'contours'} of {listed(told)}"


def draw_plane(
    planes: Mapping[str, NDArray[Any]], index: int, readers: tuple[str, ...], *, height: int, edged: bool = False
) -> Image.Image:
    """One plane in true proportions with every reader's contour.

    Parameters
    ----------
    planes, readers : as in `draw`.
    index : 0 axial, 1 coronal, 2 sagittal.
    height : greatest height of the picture, pixels.
    edged : True draws every contour on a dark edge, so that it can be seen in print without colour.
    """
    pixels, spacing = planes[f"image_{index}"], planes[f"spacing_{index}"]
    height_mm, width_mm = np.array(pixels.shape) * spacing
    scale = min(height / height_mm, _WIDEST * height / width_mm)
    size = (max(round(width_mm * scale), 1), max(round(height_mm * scale), 1))
    panel = Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC).convert("RGB")
    pen = ImageDraw.Draw(panel)
    wide = max(round(height / 200), 1)
    contours: list[tuple[list[Any], tuple[int, int, int]]] = []
    for number, reader in enumerate(readers):
        mask = planes.get(f"mask_{reader}_{index}")
        if mask is None:
            continue
        edges = voxel_edges(mask.astype(bool))
        if number:  # dashed, so that a contour underneath remains visible
            edges[:, 1] = edges[:, 0] + _DASH * (edges[:, 1] - edges[:, 0])
        steps = np.array([size[0] / mask.shape[1], size[1] / mask.shape[0]])
        lines = np.minimum(edges * steps, np.array(size) - 1).reshape(-1, 4)
        contours.append((lines.tolist(), _COLOURS[number % len(_COLOURS)]))
    for line in (line for lines, _ in contours for line in lines if edged):
        pen.line(line, fill=_GROUND, width=wide + 2)
    for lines, colour in contours:
        for line in lines:
            pen.line(line, fill=colour, width=wide)
    return panel


def voxel_edges(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The sides of the voxels between inside and outside of a mask.

    Parameters
    ----------
    mask : bool (rows, columns).

    Returns
    -------
    (n, 2, 2): n lines from (x, y) to (x, y), in voxels, with (0, 0) at the outer corner of the first voxel.

    Examples
    --------
    >>> voxel_edges(np.array([[True]])).tolist()
    [[[0.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [1.0, 1.0]], [[0.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [1.0, 1.0]]]
    """
    padded = np.pad(mask, 1)
    y, x = np.nonzero(padded[1:, 1:-1] != padded[:-1, 1:-1])
    flat = np.stack([np.stack([x, y], 1), np.stack([x + 1, y], 1)], 1)
    y, x = np.nonzero(padded[1:-1, 1:] != padded[1:-1, :-1])
    upright = np.stack([np.stack([x, y], 1), np.stack([x, y + 1], 1)], 1)
    return np.concatenate([flat, upright]).astype(float)


def data_uri(picture: Image.Image, mark: str = "") -> str:
    """A picture inside the page: WebP, half as large as JPEG, or JPEG if this computer's Pillow cannot write WebP.

    Parameters
    ----------
    picture : RGB.
    mark : watermark drawn across it; "" draws none.
    """
    if mark:
        picture = _marked(picture, mark)
    memory = io.BytesIO()
    kind = "webp" if _writes_webp() else "jpeg"
    picture.save(memory, format=kind, quality=_QUALITY, **({"method": 2} if kind == "webp" else {"subsampling": 0}))
    return f"data:image/{kind};base64," + base64.b64encode(memory.getvalue()).decode("ascii")


@cache
def _writes_webp() -> bool:
    return bool(features.check("webp"))


def _marked(picture: Image.Image, mark: str) -> Image.Image:
    """The picture with a translucent text across its middle; what lies below remains visible."""
    layer = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    font = ImageFont.load_default(size=max(10, min(picture.width / (0.62 * len(mark)), picture.height / 4)))
    middle = (picture.width / 2, picture.height / 2)
    ImageDraw.Draw(layer).text(middle, mark, font=font, fill=(*_MARK, 80), anchor="mm")
    return Image.alpha_composite(picture.convert("RGBA"), layer).convert("RGB")


def colours(readers: tuple[str, ...]) -> list[tuple[str, str]]:
    """Reader and colour, for the legend."""
    return [(r, "#{:02x}{:02x}{:02x}".format(*_COLOURS[i % len(_COLOURS)])) for i, r in enumerate(readers)]
