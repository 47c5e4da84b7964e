"""Pictures of bias fields: the volumes of each sequence with the weakest, the median and the strongest field."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from radstudy.imaging.bias_field import BiasField
from radstudy.imaging.field_view import field_view
from radstudy.report.display import number
from radstudy.report.facts import AbsentError, RunFacts
from radstudy.report.notice import watermark
from radstudy.report.pictures import data_uri
from radstudy.store import read_json

_HEIGHT, _WIDEST, _GAP = 104, 150, 3  # of a panel, pixels
_LEAST = 0.1  # half the range of the colours, natural logarithm: a field of 2 % must not look like one of 50 %


@dataclass(frozen=True)
class Montage:
    """One volume: three slices before correction, their field, and after correction.

    Parameters
    ----------
    patient, sequence : the volume.
    which : weakest, median or strongest field of the sequence.
    source : data URI of the picture; empty if the files cannot be read.
    alt : description for readers who cannot see it.
    caption : the field and the variation in numbers.
    """

    patient: str
    sequence: str
    which: str
    source: str
    alt: str
    caption: str


def montages(facts: RunFacts) -> list[Montage]:
    """The montages, in the order of the sequences.

    Raises
    ------
    AbsentError : no bias field was removed, or the study file does not ask for pictures.
    """
    if not facts.protocol.report.quality_pictures:
        raise AbsentError("The study file does not ask for quality-control images (report.quality_pictures).")
    volumes = facts.frame("prepare/volumes.csv")
    if not facts.fields or "field_ratio" not in volumes or volumes["field_ratio"].isna().all():
        raise AbsentError("No bias field was removed.")
    paths = {path.stem: path for path in facts.fields}
    shown = []
    for sequence in facts.protocol.sequences:
        part = volumes[(volumes["sequence"] == sequence) & volumes["field_ratio"].notna()]
        ordered = part.sort_values(["field_ratio", "name"], kind="stable")
        for which, place in _chosen(len(ordered)).items():
            path = paths.get(ordered["name"].iloc[place])
            shown.append(_montage(ordered.iloc[place], which, path, watermark(facts.protocol.notice)))
    return shown


def _chosen(count: int) -> dict[str, int]:
    """The positions of the volumes shown, out of `count` ordered by their field."""
    if count < 3:
        return {"strongest field": count - 1} if count else {}
    return {"weakest field": 0, "median field": (count - 1) // 2, "strongest field": count - 1}


def _montage(row: Any, which: str, path: Path | None, mark: str) -> Montage:
    name = f"{row['patient']}, {row['sequence']}"
    try:
        if path is None:
            raise FileNotFoundError("its slices are missing from prepare/fields")
        with np.load(path) as kept:
            view = field_view(dict(kept), _field(path))
        source, largest = data_uri(draw(view), mark), float(np.exp(np.abs(_centred(view["log_field"])).max()))
    except (OSError, ValueError, KeyError, StopIteration) as error:
        return Montage(row["patient"], row["sequence"], which, "", f"The field of {name} cannot be drawn: {error}", "")
    caption = (
        f"field {number(row['field_ratio'], 2)}, variation {number(row['cv_before'], 3)} before, "
        f"{number(row['cv_after'], 3)} after; colours to a factor of {max(largest, float(np.exp(_LEAST))):.2f}"
    )
    alt = f"Patient {name}: three slices before N4, the field in colours, and after"
    return Montage(row["patient"], row["sequence"], which, source, alt, caption)


def _field(path: Path) -> BiasField:
    """The control points of the volume's bias field, as kept by the step prepare."""
    record = read_json(path.parent.parent / "volumes" / f"{path.stem}.json")
    return BiasField.from_dict(next(step["n4"] for step in record["preparation"]["steps"] if "n4" in step))


def draw(view: dict[str, Any]) -> Image.Image:
    """Rows: before, field, after; columns: the slices. The field's colours run around its median.

    Parameters
    ----------
    view : as returned by `radstudy.imaging.field_view.field_view`.
    """
    log_field = _centred(view["log_field"])
    half = max(float(np.abs(log_field).max()), _LEAST)
    colours = mpl.colormaps["RdBu_r"]((log_field / half + 1) / 2)[..., :3]
    rows = [_grey(view["before"]), np.round(colours * 255).astype(np.uint8), _grey(view["after"])]
    panels = [[_sized(picture, view["spacing_mm"]) for picture in row] for row in rows]
    width, height = panels[0][0].size
    count = len(panels[0])
    sheet = Image.new("RGB", (count * (width + _GAP) - _GAP, 3 * (height + _GAP) - _GAP), (18, 22, 26))
    for y, row in enumerate(panels):
        for x, panel in enumerate(row):
            sheet.paste(panel, (x * (width + _GAP), y * (height + _GAP)))
    return sheet


def _centred(log_field: NDArray[np.float64]) -> NDArray[np.float64]:
    centred: NDArray[np.float64] = log_field - np.median(log_field)
    return centred


def _grey(pictures: NDArray[np.float64]) -> NDArray[np.uint8]:
    low, high = np.percentile(pictures, [0.5, 99.5])
    scaled = np.clip((pictures - low) / max(high - low, 1e-12), 0, 1)
    return np.repeat(np.round(scaled * 255).astype(np.uint8)[..., None], 3, axis=-1)


def _sized(picture: NDArray[np.uint8], spacing_mm: NDArray[np.float64]) -> Image.Image:
    height_mm, width_mm = np.array(picture.shape[:2]) * spacing_mm
    scale = min(_HEIGHT / height_mm, _WIDEST / width_mm)
    size = (max(round(width_mm * scale), 1), max(round(height_mm * scale), 1))
    return Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC)
