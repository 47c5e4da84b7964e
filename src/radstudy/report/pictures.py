"""Pictures for quality control: every lesion in three planes with the readers' contours, small enough for a cohort."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from radstudy.report.cited import plain, quoted
from radstudy.report.facts import AbsentError, RunFacts

HEIGHT = 150  # of a plane, pixels
_WIDEST = 230
_COLOURS = ((230, 159, 0), (86, 180, 233), (0, 158, 115), (204, 121, 167))  # Okabe and Ito's, one per reader
_QUALITY = 78


@dataclass(frozen=True)
class Picture:
    """One lesion on one sequence.

    Parameters
    ----------
    sequence, lesion : what is shown.
    source : data URI of the JPEG; empty if the file cannot be read.
    alt : description for readers who cannot see it.
    warnings : warnings from the preparation.
    """

    sequence: str
    lesion: str
    source: str
    alt: str
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Album:
    """All pictures of one patient."""

    patient: str
    pictures: tuple[Picture, ...]
    warnings: int = field(default=0)


def albums(facts: RunFacts) -> list[Album]:
    """The pictures by patient, those with unusual warnings first.

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
    warned = _warnings(lesions)
    usual = _usual(lesions)
    sheets = []
    for patient, part in lesions.groupby("patient", sort=False):
        places = list(dict.fromkeys(zip(part["lesion"], part["sequence"], strict=True)))
        drawn = [_picture(paths, str(patient), *place, warned, facts.protocol.cohort.readers) for place in places]
        unusual = sum(
            plain(warning) not in usual.get(picture.sequence, ()) for picture in drawn for warning in picture.warnings
        )
        sheets.append(Album(str(patient), tuple(drawn), unusual))
    return sorted(sheets, key=lambda album: -album.warnings)  # stable: ties keep the cohort's order


def _warnings(lesions: Any) -> dict[tuple[str, str, str], tuple[str, ...]]:
    by_place: dict[tuple[str, str, str], list[str]] = {}
    for _, row in lesions.iterrows():
        for text in filter(None, row["warnings"].split("; ")):
            here = by_place.setdefault((row["patient"], row["lesion"], row["sequence"]), [])
            if text not in map(plain, here):
                here.append(quoted(row["warnings"], text))
    return {place: tuple(texts) for place, texts in by_place.items()}


def _usual(lesions: Any) -> dict[str, set[str]]:
    usual = {}
    for sequence, part in lesions.groupby("sequence"):
        counts = part["warnings"].str.split("; ").explode().value_counts()
        usual[str(sequence)] = set(counts.index[counts > len(part) / 2])
    return usual


def _picture(
    paths: Mapping[str, Path],
    patient: str,
    lesion: str,
    sequence: str,
    warned: Mapping[tuple[str, str, str], tuple[str, ...]],
    readers: tuple[str, ...],
) -> Picture:
    name = f"{patient}_{lesion}_{sequence}"
    warnings = warned.get((patient, lesion, sequence), ())
    if name not in paths:
        return Picture(sequence, lesion, "", f"There is no picture of {name}.", warnings)
    try:
        with np.load(paths[name]) as planes:
            content = dict(planes)
        source = data_uri(draw(content, readers))
    except (OSError, ValueError, KeyError) as error:
        return Picture(sequence, lesion, "", f"The picture of {name} cannot be read: {error}", warnings)
    drawn = [reader for reader in readers if f"mask_{reader}_0" in content]
    alt = f"Patient {patient}, {sequence}: axial, coronal and sagittal plane with the contours of {', '.join(drawn)}"
    return Picture(sequence, lesion, source, alt, warnings)


def draw(planes: Mapping[str, NDArray[Any]], readers: tuple[str, ...]) -> Image.Image:
    """The three planes side by side, in true proportions, with every reader's contour.

    Parameters
    ----------
    planes : as the step prepare writes them: ``image_i`` uint8 (rows, columns), ``spacing_i`` mm, ``mask_<reader>_i``.
    readers : the readers, in the order of their colours.
    """
    panels = [_plane(planes, index, readers) for index in range(3)]
    strip = Image.new("RGB", (sum(panel.width for panel in panels) + 8, HEIGHT), (18, 22, 26))
    x = 0
    for panel in panels:
        strip.paste(panel, (x, (HEIGHT - panel.height) // 2))
        x += panel.width + 4
    return strip


def _plane(planes: Mapping[str, NDArray[Any]], index: int, readers: tuple[str, ...]) -> Image.Image:
    pixels, spacing = planes[f"image_{index}"], planes[f"spacing_{index}"]
    height_mm, width_mm = np.array(pixels.shape) * spacing
    scale = min(HEIGHT / height_mm, _WIDEST / width_mm)
    size = (max(round(width_mm * scale), 1), max(round(height_mm * scale), 1))
    grey = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))
    colour = np.repeat(grey[:, :, None], 3, axis=2)
    for number, reader in enumerate(readers):
        mask = planes.get(f"mask_{reader}_{index}")
        if mask is not None:
            large = np.asarray(Image.fromarray(mask.astype(np.uint8)).resize(size, Image.Resampling.NEAREST)) > 0
            edge = _edge(large)
            if number:  # dashed, so that a contour underneath remains visible
                rows, columns = np.indices(edge.shape)
                edge &= (rows + columns) % 6 < 3
            colour[edge] = _COLOURS[number % len(_COLOURS)]
    return Image.fromarray(colour)


def _edge(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The outermost pixels of the mask."""
    padded = np.pad(mask, 1)
    inside = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return mask & ~inside


def data_uri(picture: Image.Image) -> str:
    """A picture as a JPEG inside the page."""
    memory = io.BytesIO()
    picture.save(memory, format="JPEG", quality=_QUALITY, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(memory.getvalue()).decode("ascii")


def colours(readers: tuple[str, ...]) -> list[tuple[str, str]]:
    """Reader and colour, for the legend."""
    return [(r, "#{:02x}{:02x}{:02x}".format(*_COLOURS[i % len(_COLOURS)])) for i, r in enumerate(readers)]
