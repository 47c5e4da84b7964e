"""Feature maps over the lesions: one block per sequence and feature, all its pictures on one colour scale."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import matplotlib as mpl
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from radstudy.catalogue import feature as catalogued
from radstudy.report.display import plural, significant
from radstudy.report.facts import AbsentError, RunFacts
from radstudy.report.notice import watermark
from radstudy.report.pictures import data_uri

MOST = 24  # pictures on the page
_HEIGHT, _WIDEST, _GAP = 132, 180, 4  # of a plane, pixels
_CONTOUR = (255, 255, 255)
_PLANES = range(3)
_TOLD = 5  # lesions without a map that are named

Planes = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class MapPicture:
    """One feature over one lesion, in three planes.

    Parameters
    ----------
    patient, lesion : the lesion.
    source : data URI of the picture.
    alt : description for readers who cannot see it.
    """

    patient: str
    lesion: str
    source: str
    alt: str


@dataclass(frozen=True)
class MapGroup:
    """The pictures of one sequence and feature.

    Parameters
    ----------
    sequence, feature : what is mapped.
    low, high : ends of the colour scale, with the feature's unit after the higher one.
    bar : data URI of the colours from low to high.
    pictures : the pictures, in the cohort's order.
    """

    sequence: str
    feature: str
    low: str
    high: str
    bar: str
    pictures: tuple[MapPicture, ...]


@dataclass(frozen=True)
class MapSheet:
    """The maps as the report shows them.

    Parameters
    ----------
    groups : the pictures by sequence and feature, in the study file's order.
    lines : an explanation of the maps, and which are not shown.
    """

    groups: tuple[MapGroup, ...]
    lines: tuple[str, ...]


def map_sheet(facts: RunFacts) -> MapSheet:
    """The maps by sequence and feature; at most 24 pictures, those of the first patients.

    Raises
    ------
    AbsentError : the study file does not ask for maps, or none could be made.
    """
    if facts.protocol.extract.maps is None:
        raise AbsentError("The study file does not ask for feature maps (extract.maps).")
    frame = facts.frame("extract/maps/maps.csv")
    mapped = frame[frame["problem"] == ""]
    if not len(mapped):
        raise AbsentError("No map could be made. " + (_problems(frame) if len(frame) else "There is no lesion."))
    shown = _by_patient(mapped).head(MOST)
    planes, unreadable = _read(facts.maps, shown)
    if not planes:
        raise AbsentError(
            "The files of the maps in extract/maps are missing or cannot be read. To do: run the step again."
        )
    groups = [
        _group(facts, sequence, feature, part, planes)
        for sequence in facts.protocol.sequences
        for feature in facts.protocol.extract.maps.features
        if len(part := _of(shown, sequence, feature, planes))
    ]
    lines = [_explained(facts, mapped), *unreadable]
    if len(mapped) > len(shown):
        lines.append(f"{len(shown)} of {plural(len(mapped), 'map')}; extract/maps has all.")
    if len(mapped) < len(frame):
        lines.append(_problems(frame))
    return MapSheet(tuple(groups), tuple(lines))


def _by_patient(mapped: pd.DataFrame) -> pd.DataFrame:
    """The rows with a patient's maps together, so that few patients are shown whole rather than many in part."""
    place = pd.Series(range(len(mapped)), index=mapped.index).groupby(mapped["patient"]).transform("min")
    return mapped.loc[place.sort_values(kind="stable").index]


def _name(row: Any) -> str:
    return f"{row['patient']}_{row['lesion']}_{row['sequence']}"


def _read(paths: Iterable[Path], shown: pd.DataFrame) -> tuple[dict[str, Planes], list[str]]:
    """The planes of the lesions that are shown, and a line for each file that cannot be read."""
    wanted = {_name(row): None for _, row in shown.iterrows()}
    readable: dict[str, Planes] = {}
    for path in paths:
        if path.stem in wanted:
            try:
                with path.open("rb") as file, np.load(file) as kept:
                    readable[path.stem] = dict(kept)
            except (OSError, EOFError, ValueError, BadZipFile):
                continue
    return readable, [f"The maps of {name} cannot be read." for name in wanted if name not in readable]


def _of(shown: pd.DataFrame, sequence: str, feature: str, planes: Mapping[str, Planes]) -> pd.DataFrame:
    part = shown[(shown["sequence"] == sequence) & (shown["feature"] == feature)]
    return part[[f"overlay_{feature}_0" in planes.get(_name(row), {}) for _, row in part.iterrows()]]


def _group(facts: RunFacts, sequence: str, feature: str, part: pd.DataFrame, planes: Mapping[str, Planes]) -> MapGroup:
    low, high = scale([planes[_name(row)] for _, row in part.iterrows()], feature)
    _, family, name = feature.split("_", 2)
    ends = (_shown(low), _shown(high))
    unit = catalogued(family, name).unit.replace("intensity", "a.u.")
    pictures = []
    for _, row in part.iterrows():
        alt = (
            f"Patient {row['patient']}, {sequence}: {feature} over the lesion in an axial, a coronal and a sagittal "
            f"plane, colours from {ends[0]} to {ends[1]}"
        )
        drawn = draw(planes[_name(row)], feature, facts.protocol.reader, (low, high))
        pictures.append(
            MapPicture(row["patient"], row["lesion"], data_uri(drawn, watermark(facts.protocol.notice)), alt)
        )
    return MapGroup(sequence, feature, ends[0], f"{ends[1]} {unit}".rstrip(), _bar(), tuple(pictures))


def _shown(value: float) -> str:
    """A value to three digits; thousands are written out, not as a power of ten."""
    return f"{value:,.0f}".replace("-", "−") if 1000 <= abs(value) < 1e6 else significant(value, 3)


def scale(lesions: Iterable[Planes], feature: str) -> tuple[float, float]:
    """The ends of a feature's colours: 2nd and 98th percentile of all values shown; NaN if there are none.

    Parameters
    ----------
    lesions : planes of the lesions, as the step extract writes them.
    feature : the feature mapped.
    """
    values = np.concatenate([planes[f"overlay_{feature}_{i}"].ravel() for planes in lesions for i in _PLANES])
    values = values[np.isfinite(values)].astype(np.float64)
    if not values.size:
        return float("nan"), float("nan")
    low, high = np.percentile(values, [2, 98])
    return float(low), float(high)


def draw(planes: Planes, feature: str, reader: str, limits: tuple[float, float]) -> Image.Image:
    """The three planes side by side: the image in grey, the map over the lesion, a white line around it.

    Parameters
    ----------
    planes : ``image_i`` uint8 (rows, columns), ``spacing_i`` mm, ``mask_<reader>_i``, ``overlay_<feature>_i``.
    feature, reader : the feature mapped, and the reader whose lesion is outlined.
    limits : values of the darkest and of the brightest colour; values beyond are drawn in these colours.
    """
    panels = [_plane(planes, index, feature, reader, limits) for index in _PLANES]
    width = sum(panel.width + _GAP for panel in panels) - _GAP
    strip = Image.new("RGB", (width, _HEIGHT), (18, 22, 26))
    x = 0
    for panel in panels:
        strip.paste(panel, (x, (_HEIGHT - panel.height) // 2))
        x += panel.width + _GAP
    return strip


def _plane(planes: Planes, index: int, feature: str, reader: str, limits: tuple[float, float]) -> Image.Image:
    pixels, values = planes[f"image_{index}"], planes[f"overlay_{feature}_{index}"]
    height_mm, width_mm = np.array(pixels.shape) * planes[f"spacing_{index}"]
    factor = min(_HEIGHT / height_mm, _WIDEST / width_mm)
    size = (max(round(width_mm * factor), 1), max(round(height_mm * factor), 1))
    grey = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))
    picture = np.repeat(grey[:, :, None], 3, axis=2)
    known = _enlarged(np.isfinite(values), size)
    picture[known] = _enlarged(_coloured(values, limits), size)[known]
    inside = _enlarged(planes[f"mask_{reader}_{index}"], size)
    picture[ndimage.binary_dilation(inside) & ~inside] = _CONTOUR
    return Image.fromarray(picture)


def _enlarged(array: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """The array enlarged, each voxel a rectangle of one colour: maps are not smoothed."""
    columns = np.arange(size[0]) * array.shape[1] // size[0]
    rows = np.arange(size[1]) * array.shape[0] // size[1]
    enlarged: NDArray[Any] = array[rows][:, columns]
    return enlarged


def _coloured(values: NDArray[np.float32], limits: tuple[float, float]) -> NDArray[np.uint8]:
    low, high = limits
    share = np.clip((np.nan_to_num(values, nan=low) - low) / max(high - low, 1e-12), 0, 1)
    colours: NDArray[np.uint8] = np.round(mpl.colormaps["viridis"](share)[..., :3] * 255).astype(np.uint8)
    return colours


def _bar() -> str:
    """The colours from low to high, as PNG: JPEG would show blocks."""
    colours = np.round(mpl.colormaps["viridis"](np.linspace(0, 1, 128))[:, :3] * 255).astype(np.uint8)
    memory = io.BytesIO()
    Image.fromarray(colours[None]).save(memory, format="PNG")
    return "data:image/png;base64," + base64.b64encode(memory.getvalue()).decode("ascii")


def _explained(facts: RunFacts, mapped: pd.DataFrame) -> str:
    radii = sorted({int(radius) for radius in mapped["radius"]})
    sides = " or ".join(str(2 * radius + 1) for radius in radii)
    grids = " or ".join(sorted(set(mapped["spacing_mm"])))
    return (
        f"The colour of a voxel is the feature's value in the cube around it with a side of {sides} voxels "
        f"(radius {' or '.join(map(str, radii))}); only voxels inside the lesion count. There are few of them at its "
        "edge, which by itself changes texture there. Grey levels are those of the whole lesion. "
        f"Grid and image are those used for the features ({grids} mm); the planes pass through "
        f"the largest sections of {facts.first_readers} mask (white line), with the patient's right on the left of the "
        "axial and coronal planes. Colours run from the 2nd to the 98th percentile of all pictures of a sequence and "
        "feature. "
        "A map is descriptive: no model uses it, and its average is not the feature of the whole lesion."
    )


def _problems(frame: pd.DataFrame) -> str:
    lost = frame[frame["problem"] != ""]
    told = [
        f"{', '.join(filter(None, (row['patient'], row['sequence'], row['feature'])))}: {row['problem']}"
        for _, row in lost.head(_TOLD).iterrows()
    ]
    more = f"; and {len(lost) - _TOLD} more in extract/maps/maps.csv" if len(lost) > _TOLD else ""
    return f"Not made: {'; '.join(told)}{more}."
