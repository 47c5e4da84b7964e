"""Maps and figures of one patient, each computed independently, so that a failure does not affect the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from radstudy._version import __version__
from radstudy.algorithms import algorithm_key
from radstudy.derive.table import Row
from radstudy.errors import CaseError, TransientError
from radstudy.formats.raster import read_raster, write_raster
from radstudy.formats.reading import changed, digests_of, files_of, hash_of, recorded
from radstudy.imaging.masks.formats import MASK_FORMATS, files_of_mask, listed
from radstudy.imaging.masks.read import needs_image
from radstudy.imaging.parametric.adc import adc_map
from radstudy.imaging.parametric.curve import lesion_curve
from radstudy.imaging.parametric.diameter import maximum_diameter_mm
from radstudy.imaging.parametric.enhancement import enhancement_maps
from radstudy.imaging.parametric.motion import motion_between
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume
from radstudy.kept import MADE, TRANSIENT, keep, kept
from radstudy.protocol.derive import Adc, Dce, Derive
from radstudy.store import content_hash, file_hash, read_json, write_json

RECORD = "derived.json"
MADE_BY = "radstudy derive"
_HASH = "file_hash"
_TRIES = 3


@dataclass(frozen=True)
class DerivedPatient:
    """The rows of one patient.

    Parameters
    ----------
    name : the patient's identifier.
    rows : one per lesion, all with the same images.
    """

    name: str
    rows: tuple[Row, ...]


@dataclass
class Made:
    """Results of one patient as plain values, kept as JSON.

    Parameters
    ----------
    maps : column to file, relative to the folder of the results.
    figures : per row, column to value.
    notes : per row, remarks for the reader of the figures.
    failures : per row (None: the whole patient), what could not be computed.
    transient : whether one of the failures may be temporary, so that the next run tries again.
    """

    maps: dict[str, str] = field(default_factory=dict)
    figures: dict[int, dict[str, Any]] = field(default_factory=dict)
    notes: dict[int, list[str]] = field(default_factory=dict)
    failures: list[dict[str, Any]] = field(default_factory=list)
    transient: bool = False


@dataclass(frozen=True)
class Work:
    """Task that computes one patient; finished results are kept, so that an interrupted run can resume.

    Parameters
    ----------
    recipe : the maps and figures to compute.
    out : folder of the results.
    """

    recipe: Derive
    out: Path

    def __call__(self, patient: DerivedPatient) -> dict[str, Any]:
        """Return the patient's record, computed now or in an earlier run."""
        record = self.out / patient.name / RECORD
        for _ in range(_TRIES):
            key, digests = self._key(patient)
            if (earlier := kept(record, key, folder=self.out)) is not None and self._whole(earlier):
                return earlier
            with recorded() as reading:
                results = self._computed(patient)
            if reading.is_of(digests) and not reading.changed:
                break
        else:
            raise changed(patient.rows[0].file(self._images()[0]) if self._images() else record)
        result = {"made_by": f"{MADE_BY} {__version__}", **vars(results)}
        result[TRANSIENT] = result.pop("transient")
        result["figures"] = {str(index): values for index, values in results.figures.items()}
        result["notes"] = {str(index): values for index, values in results.notes.items()}
        result[MADE] = {file: file_hash(self.out / file) for file in results.maps.values()}
        return keep(record, content_hash([key, "again"]) if results.transient else key, result)

    def _computed(self, patient: DerivedPatient) -> Made:
        """Compute what the patient's files allow."""
        results = Made()
        volumes: dict[str, Volume] = {}
        if (adc := self.recipe.adc) is not None:
            self._part(results, None, patient, lambda: self._adc(results, patient, adc, volumes))
        phases: list[Volume] = []
        if (dce := self.recipe.dce) is not None:
            self._part(results, None, patient, lambda: self._dce(results, patient, dce, phases, volumes))
        for row in patient.rows if self.recipe.mask else ():
            self._lesion(results, patient, row, phases, volumes)
        return results

    def _images(self) -> list[str]:
        """Columns and patterns of the images that the recipe names."""
        return [
            *(self.recipe.adc.images.values() if self.recipe.adc else ()),
            *(self.recipe.dce.phases if self.recipe.dce else ()),
        ]

    def _key(self, patient: DerivedPatient) -> tuple[str, dict[Path, str]]:
        """Hash all that the result depends on: the recipe, the program, and the bytes of every existing file.

        The hash of each of these files is returned as well.
        """
        first, files = patient.rows[0], []
        digests: dict[Path, str] = {}
        named = [(first, name) for name in self._images()] + [(row, self.recipe.mask) for row in patient.rows]
        for row, name in named:
            if name is not None:
                try:
                    is_mask = name == self.recipe.mask
                    parts = digests_of(row.file(name), files_of_mask if is_mask else files_of)
                except CaseError as error:
                    files.append(str(error))
                    continue
                digests |= parts
                files.append(hash_of(parts))
        cells = [dict(row.cells) for row in patient.rows]
        with recorded() as reading:  # of the phases' sidecars
            times = "" if self.recipe.dce is None else _or_problem(lambda: patient.rows[0].times(self.recipe.dce))  # type: ignore[arg-type]
        key = content_hash([algorithm_key("derive"), self.recipe.model_dump(mode="json"), files, cells, times])
        return key, digests | reading.digests

    def _whole(self, record: Mapping[str, Any]) -> bool:
        return all((self.out / file).is_file() for file in record["maps"].values())

    def _part(self, results: Made, row: Row | None, patient: DerivedPatient, make: Callable[[], None]) -> None:
        try:
            make()
        except CaseError as error:
            lesion = "" if row is None or row.lesion == "1" else row.lesion
            located = error.located(patient=patient.name, lesion=lesion)
            names = ("problem", "remedy", "patient", "lesion", "sequence", "reader", "file")
            index = None if row is None else row.index
            results.transient |= isinstance(error, TransientError)
            results.failures.append({"row": index, **{name: getattr(located, name) for name in names}})

    def _adc(self, results: Made, patient: DerivedPatient, adc: Adc, volumes: dict[str, Volume]) -> None:
        b_values = sorted(adc.images)
        files = [_one_file(patient, adc.images[b]) for b in b_values]
        fit = adc_map(
            [Volume.read_3d(file) for file in files], b_values, method=adc.method, noise_floor=adc.noise_floor,
            names=[file.name for file in files],
        )  # fmt: skip
        volumes[adc.name] = self._write(results, patient, adc.name, fit.adc, files)

    def _dce(
        self, results: Made, patient: DerivedPatient, dce: Dce, phases: list[Volume], volumes: dict[str, Volume]
    ) -> None:
        row = patient.rows[0]
        files = [_one_file(patient, phase) for phase in dce.phases]
        phases += [Volume.read_3d(file) for file in files]
        times, injection = _clock(row, dce)
        maps = enhancement_maps(
            phases, times, before=dce.before, injection_s=injection, least_signal=dce.least_signal,
            ser_limits=dce.ser_limits, names=[file.name for file in files],
        )  # fmt: skip
        for name in dce.maps:
            column = dce.prefix + name
            volumes[column] = self._write(results, patient, column, maps[name], files)

    def _write(
        self, results: Made, patient: DerivedPatient, name: str, volume: Volume, sources: Sequence[Path]
    ) -> Volume:
        """Write a map and its history; voxels without a value become 0, and the history states how many."""
        defined = np.isfinite(volume.voxels)
        file = Path(patient.name) / f"{name}.nii.gz"
        whole = self.out / file
        history = whole.with_name(f"{name}.json")
        _refuse_foreign(whole, history)
        _refuse_changed(whole, history, volume)
        beside = {
            "made_by": f"{MADE_BY} {__version__}",
            "map": name,
            "unit": volume.unit,
            "history": list(volume.history),
            "made_of": [{"file": source.name, "hash": file_hash(source)} for source in sources],
            "voxels": int(defined.size),
            "voxels_without_a_value": int(defined.size - np.count_nonzero(defined)),
            "their_value_in_the_file": 0,
        }
        write_json(history, beside)  # first: a map without its history would look like someone else's file
        write_raster(whole, np.where(defined, volume.voxels, 0).astype(np.float32), volume.affine)
        write_json(history, {**beside, _HASH: file_hash(whole)})
        results.maps[name] = file.as_posix()
        return volume

    def _lesion(
        self, results: Made, patient: DerivedPatient, row: Row, phases: Sequence[Volume], volumes: Mapping[str, Volume]
    ) -> None:
        """Compute the figures of one row; a part that fails is recorded and does not affect the others."""
        figures = results.figures.setdefault(row.index, {})
        rois: list[Roi] = []
        self._part(results, row, patient, lambda: rois.append(self._roi(row, phases)))
        if not rois:
            return
        roi, dce = rois[0], self.recipe.dce
        if self.recipe.diameter:
            self._part(results, row, patient, lambda: figures.update(diameter_mm=round(maximum_diameter_mm(roi), 2)))
        if dce is not None and phases and dce.curve:
            self._part(results, row, patient, lambda: figures.update(_curve_figures(row, dce, phases, roi)))
        if dce is not None and phases and dce.motion:
            self._part(results, row, patient, lambda: figures.update(_motion_figures(phases, roi)))
        results.notes[row.index] = _undefined(roi, volumes)

    def _roi(self, row: Row, phases: Sequence[Volume]) -> Roi:
        if self.recipe.mask is None:
            raise AssertionError
        file = row.file(self.recipe.mask)
        if phases:
            return Roi.read(file, row.label(self.recipe.label), phases[0])
        if needs_image(file):
            others = listed(each for each in MASK_FORMATS if not each.needs_image)
            raise CaseError(
                "the mask does not contain a grid, and the DCE phases on which it was drawn are missing",
                f"give the phases, or a mask with a grid: {others}",
                file=file,
            )
        return Roi.read(file, row.label(self.recipe.label))


def _refuse_foreign(image: Path, history: Path) -> None:
    """Refuse to overwrite an image that this program did not write."""
    if not image.exists() and not history.exists():
        return
    try:
        record = read_json(history)
    except (OSError, ValueError):
        record = None
    if not (isinstance(record, dict) and str(record.get("made_by", "")).startswith(MADE_BY)):
        raise TransientError(
            "a file with the map's name already exists and was not written by `radstudy derive`",
            "choose another name (adc.name, dce.prefix) or another --out",
            file=image,
        )


def _refuse_changed(image: Path, history: Path, volume: Volume) -> None:
    """Refuse to overwrite a map that was edited after it was written; a truncated or damaged one may be replaced."""
    if not image.exists():
        return
    try:
        written = read_json(history).get(_HASH)
        if written is None or file_hash(image) == written:
            return
        voxels, affine = read_raster(image)
    except (OSError, ValueError, CaseError):
        return
    new = np.where(np.isfinite(volume.voxels), volume.voxels, 0).astype(np.float32)
    if np.array_equal(voxels, new) and np.allclose(affine, volume.affine, atol=1e-3):
        return
    raise TransientError(
        "the map was changed after `radstudy derive` wrote it, so it was not overwritten",
        "move it away and run the same command again to compute the map anew",
        file=image,
    )


def _one_file(patient: DerivedPatient, given: str) -> Path:
    """The image of a patient, which all rows must name identically: maps are computed once per patient."""
    files = {row.file(given) for row in patient.rows}
    if len(files) > 1:
        raise CaseError(
            f"the patient's rows name different images for '{given}'",
            "give each examination its own patient identifier",
        )
    return files.pop()


def _clock(row: Row, dce: Dce) -> tuple[tuple[float, ...], float | None]:
    return row.times(dce), None if dce.injection_s is None else row.number(dce.injection_s)


def _curve_figures(row: Row, dce: Dce, phases: Sequence[Volume], roi: Roi) -> dict[str, Any]:
    times, injection = _clock(row, dce)
    curve = lesion_curve(
        phases, times, roi, before=dce.before, injection_s=injection, initial_s=dce.initial_s,
        change_percent=dce.change_percent,
    )  # fmt: skip
    return {
        "curve_type": curve.type,
        "initial_rise": curve.initial,
        "initial_enhancement_percent": round(curve.initial_percent, 2),
        "late_change_percent": round(curve.late_percent, 2),
        "curve_times_s": "; ".join(f"{time:g}" for time in curve.times_s),
        "curve_signal": "; ".join(f"{value:.6g}" for value in curve.signal),
    }


def _motion_figures(phases: Sequence[Volume], roi: Roi) -> dict[str, Any]:
    motion = motion_between(phases, roi)
    return {"motion_mm": round(motion.largest_mm, 2), "motion_degrees": round(max(motion.degrees), 2)}


def _undefined(roi: Roi, volumes: Mapping[str, Volume]) -> list[str]:
    """Notes on maps on the mask's grid that have voxels without a value in the lesion."""
    notes = []
    for name, volume in volumes.items():
        if volume.voxels.shape == roi.mask.shape and np.allclose(volume.affine, roi.affine, atol=1e-4):
            missing = int(np.count_nonzero(~np.isfinite(volume.voxels[roi.mask])))
            if missing:
                notes.append(
                    f"{missing} of the lesion's {roi.voxel_count} voxels have no value in {name} (0 in the file)"
                )
    return notes


def _or_problem(get: Callable[[], Any]) -> Any:
    try:
        return get()
    except CaseError as error:
        return str(error)
