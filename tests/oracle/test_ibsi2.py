"""Filters against IBSI-2: response maps of the digital phantoms, and statistics of filtered images of the CT phantom.

Sources: response maps and reference values of github.com/theibsi/ibsi_2_reference_data; the filters' arguments are
those of ibsi2_phase1_response_map_tests.csv and ibsi2_phase2_filter_settings.csv. A map passes if every voxel is
within 1 % of the reference map's range (Whybra et al. 2024, doi 10.1148/radiol.231319).
"""

import csv

import numpy as np
import pytest

from radstudy import Volume
from radstudy.features.ibsi.filters import (
    Gabor,
    Identity,
    LaplacianOfGaussian,
    Laws,
    Mean,
    SeparableWavelet,
    SimoncelliWavelet,
    filtered_statistics,
    response_map,
)

MAPS = ["1A1", "1A2", "1A3", "1A4", "1B1", "2A", "2B", "2C", "5A1", "5A2", "6A1", "6A2", "7A1", "7A2"]
PHASE_2 = [f"{number}.{letter}" for number in range(1, 10) for letter in "AB"]


def rows(folder, name):
    with (folder / "ibsi" / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def filter_of(kind, text):
    """The filter that a row of settings describes."""
    given = dict(pair.split("=") for pair in text.split(";"))
    given = {name.removeprefix(f"{kind}_"): value for name, value in given.items()}
    rotate, pooling = given.get("rotation_invariance") == "True", given.get("pooling_method", "mean")
    if kind == "mean":
        return Mean(int(given["filter_kernel_size"] if "filter_kernel_size" in given else given["kernel_size"]))
    if kind == "laplacian_of_gaussian":
        return LaplacianOfGaussian(float(given["sigma"]), float(given["kernel_truncate"]))
    if kind == "separable_wavelet":
        level = int(given.get("decomposition_level", 1))
        return SeparableWavelet(given["families"], given["set"], level, rotate, pooling)
    if kind == "laws":
        name = given["kernel"]
        kernels = tuple(name[n : n + 2] for n in range(0, len(name), 2))
        return Laws(kernels, rotate, pooling, int(given["delta"]) if given["compute_energy"] == "True" else None)
    if kind == "gabor":
        numbers = [float(given[name]) for name in ("sigma", "lambda", "gamma", "theta", "theta_step")]
        return Gabor(*numbers, pooling)
    if kind == "nonseparable_wavelet":
        return SimoncelliWavelet(int(given["decomposition_level"]))
    return Identity()


@pytest.mark.parametrize("test", MAPS)
def test_a_response_map_is_within_one_per_cent(real_data, test):
    row = next(row for row in rows(real_data, "ibsi2_phase1_response_map_tests.csv") if row["test_id"] == test)
    folder = real_data / "ibsi" / "ibsi2_digital_phantom" / row["phantom"] / "image"
    volume = Volume.read(folder / f"{row['phantom']}.nii.gz")
    reference = Volume.read(real_data / "ibsi" / "ibsi2_response_maps" / row["response_map"]).voxels
    applied = filter_of(row["filter"], row["settings"])
    found = response_map(volume, applied, by_slice=row["dimension"] == "2D", boundary=row["boundary"]).voxels
    assert np.abs(found - reference).max() <= 0.01 * (reference.max() - reference.min())


@pytest.mark.parametrize("configuration", PHASE_2)
def test_statistics_of_a_filtered_image_are_inside_their_tolerances(real_data, configuration):
    settings = {row["configuration"]: row for row in rows(real_data, "ibsi2_phase2_filter_settings.csv")}
    text = settings[configuration]["settings"].replace("boundary_condition=reflect;", "")
    kind, _, arguments = text.removeprefix("filter_kernels=").partition(";")
    folder = real_data / "ibsi" / "ct_phantom"
    base = f"ibsi2_{configuration[-1]}"
    applied = filter_of(kind, arguments) if arguments else Identity()
    found = filtered_statistics(folder / "image.nii.gz", folder / "mask.nii.gz", base, applied, boundary="reflect")
    wrong, compared = [], 0
    for row in rows(real_data, "ibsi2_phase2_reference_values.csv"):
        if row["configuration"] == configuration and row["reference_value"]:
            compared += 1
            reference, tolerance = float(row["reference_value"]), float(row["tolerance"])
            # printed to three digits: the last one may be rounded by half
            allowed = tolerance + 0.5 * 10.0 ** (np.floor(np.log10(abs(reference))) - 2)
            if abs(found[row["tag"]] - reference) > allowed:
                wrong.append((row["tag"], reference, tolerance, found[row["tag"]]))
    assert compared >= 17
    assert not wrong
