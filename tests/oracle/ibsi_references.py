"""IBSI's reference values and maps, and what radstudy finds for them. Shared by the tests and by ibsi_table.py."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from radstudy import Volume, extract_ibsi
from radstudy.features.ibsi.filters import (
    Filter,
    Gabor,
    LaplacianOfGaussian,
    Laws,
    Mean,
    NoFilter,
    SeparableWavelet,
    SimoncelliWavelet,
)
from radstudy.features.ibsi.intensity import statistics
from radstudy.features.ibsi.preparation import Stage, prepare
from radstudy.features.ibsi.response_maps import response_inside, response_map
from radstudy.features.ibsi.settings import CONFIGURATIONS
from radstudy.imaging.roi import Roi

IBSI1 = ("digital_phantom", "A", "B", "C", "D", "E")
IBSI2 = tuple(f"{number}.{letter}" for number in range(1, 10) for letter in "AB")


@dataclass(frozen=True)
class Reference:
    """One row: what it is of, its value as printed (to three digits) and its tolerance."""

    family: str
    tag: str
    aggregation: str
    value: float
    tolerance: float

    def holds(self, found: float) -> bool:
        """Inside the tolerance; the value's last printed digit may be rounded by half."""
        half_a_digit = 0.5 * 10.0 ** (np.floor(np.log10(max(abs(self.value), 1e-12))) - 2)
        return bool(abs(found - self.value) <= self.tolerance + half_a_digit)


def _rows(data: Path, file: str) -> list[dict[str, str]]:
    with (data / "ibsi" / file).open(encoding="utf-8") as source:
        return list(csv.DictReader(source))


def references(data: Path, file: str, configuration: str) -> list[Reference]:
    """The standardised values of one configuration."""
    return [
        Reference(
            row.get("family", "Statistics"), row["tag"], row.get("aggregation", ""), float(row["reference_value"]),
            float(row["tolerance"]),
        )
        for row in _rows(data, file)
        if row["configuration"].removeprefix("config_") == configuration and row["reference_value"]
    ]  # fmt: skip


def misses(rows: list[Reference], found: dict[tuple[str, str], float]) -> list[tuple[Reference, float | None]]:
    """The references that are not met, with what was found."""
    values = [(row, found.get((row.tag, row.aggregation))) for row in rows]
    return [(row, value) for row, value in values if value is None or not row.holds(value)]


@cache
def extracted(data: Path, configuration: str) -> dict[tuple[str, str], float]:
    """IBSI-1's features of its phantom."""
    folder = data / "ibsi" / ("ibsi1_digital_phantom" if configuration == "digital_phantom" else "ct_phantom")
    return extract_ibsi(folder / "image.nii.gz", folder / "mask.nii.gz", configuration)


# --- IBSI-2 ------------------------------------------------------------------------------------------------------


def filter_of(kind: str, text: str) -> Filter:
    """The filter that a row of settings describes."""
    given = dict(pair.split("=") for pair in text.split(";") if pair)
    given = {name.removeprefix(f"{kind}_").removeprefix("filter_"): value for name, value in given.items()}
    rotate, pooling = given.get("rotation_invariance") == "True", given.get("pooling_method", "mean")
    if kind == "mean":
        return Mean(int(given["kernel_size"]))
    if kind == "laplacian_of_gaussian":
        return LaplacianOfGaussian(float(given["sigma"]), float(given["kernel_truncate"]))
    if kind == "separable_wavelet":
        level = int(given.get("decomposition_level", 1))
        return SeparableWavelet(given["families"], given["set"], level, rotate, pooling)
    if kind == "laws":
        name, energy = given["kernel"], given["compute_energy"] == "True"
        kernels = tuple(name[n : n + 2] for n in range(0, len(name), 2))
        return Laws(kernels, rotate, pooling, int(given["delta"]) if energy else None)
    if kind == "gabor":
        sigma, wavelength, aspect, theta, step = (
            float(given[name]) for name in ("sigma", "lambda", "gamma", "theta", "theta_step")
        )
        return Gabor(sigma, wavelength, aspect, theta, step, pooling)
    if kind == "nonseparable_wavelet":
        return SimoncelliWavelet(int(given["decomposition_level"]))
    assert kind == "None", kind
    return NoFilter()


def map_difference(data: Path, test: str) -> float:
    """Largest difference to a response map of phase 1, in per cent of the map's range (1 passes)."""
    row = next(row for row in _rows(data, "ibsi2_phase1_response_map_tests.csv") if row["test_id"] == test)
    folder = data / "ibsi" / "ibsi2_digital_phantom" / row["phantom"] / "image"
    volume = Volume.read(folder / f"{row['phantom']}.nii.gz")
    reference = Volume.read(data / "ibsi" / "ibsi2_response_maps" / row["response_map"]).voxels
    applied = filter_of(row["filter"], row["settings"])
    found = response_map(volume, applied, by_slice=row["dimension"] == "2D", boundary=row["boundary"]).voxels
    return float(100 * np.abs(found - reference).max() / (reference.max() - reference.min()))


def maps(data: Path) -> list[str]:
    """The tests of phase 1 whose maps are at hand."""
    return [row["test_id"] for row in _rows(data, "ibsi2_phase1_response_map_tests.csv") if row["map_kept"] == "True"]


@cache
def _prepared(data: Path, letter: str) -> Stage:
    folder = data / "ibsi" / "ct_phantom"
    volume, roi = Volume.read(folder / "image.nii.gz"), Roi.read(folder / "mask.nii.gz")
    return prepare(volume, roi, CONFIGURATIONS[f"ibsi2_{letter}"], whole_image=True).resegmented


@cache
def filtered(data: Path, configuration: str) -> dict[tuple[str, str], float]:
    """IBSI-2's phase 2: statistics of the CT phantom in a response map."""
    text = next(
        row["settings"]
        for row in _rows(data, "ibsi2_phase2_filter_settings.csv")
        if row["configuration"] == configuration
    )
    boundary, kind, *rest = text.split(";")
    applied = filter_of(kind.removeprefix("filter_kernels="), ";".join(rest))
    letter = configuration[-1]
    inside = response_inside(
        _prepared(data, letter),
        applied,
        by_slice=letter == "A",
        boundary=boundary.removeprefix("boundary_condition="),
    )
    return {(tag, ""): value for tag, value in statistics(inside).items()}
