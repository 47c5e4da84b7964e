from __future__ import annotations

import warnings

import numpy as np
import pytest

import radstudy
from radstudy import Roi, Volume, extract_ibsi
from radstudy.errors import CaseError, StudyFileError

AFFINE = np.diag([1.0, 1.0, 2.0, 1.0])
EVERYTHING = {"bin_count": 16, "dimensions": ("2D", "2.5D", "3D")}


def image():
    return Volume(np.round(np.random.default_rng(0).normal(100, 20, (12, 11, 9))).astype(np.float32), AFFINE)


def box(*slices):
    mask = np.zeros((12, 11, 9), dtype=bool)
    mask[slices] = True
    return Roi(mask, AFFINE, reader="reader1")


BLOCK = box(slice(3, 8), slice(3, 8), slice(3, 6))
VOXEL = box(5, 5, 5)


def undefined(found):
    return {tag for (tag, _), value in found.items() if np.isnan(value)}


def test_it_is_exported_with_its_settings():
    assert radstudy.extract_ibsi is extract_ibsi
    assert len(extract_ibsi(image(), BLOCK, radstudy.IbsiSettings(bin_count=16))) == 270


def test_all_is_defined_for_an_ordinary_lesion_in_every_dimension():
    found = extract_ibsi(image(), BLOCK, EVERYTHING)
    assert len(found) == 542
    assert not undefined(found)
    assert all(isinstance(value, float) for value in found.values())


def test_one_voxel_has_no_axes_no_pairs_and_no_spread():
    found = extract_ibsi(image(), VOXEL, EVERYTHING)
    without = undefined(found)
    assert {"morph_pca_maj_axis", "morph_moran_i", "morph_geary_c", "cm_contrast_3D_comb"} <= without
    assert {tag.split("_")[0] for tag in without} == {"morph", "ivh", "cm", "ngt"}
    assert found["morph_volume", ""] == pytest.approx(1 / 3)
    assert found["rlm_sre_3D_avg", "3D averaged"] == 1.0
    assert found["ngl_lde_3D", "3D"] == 1.0


def test_a_flat_lesion():
    flat = Volume(np.full((12, 11, 9), 7.0, np.float32), AFFINE)
    found = extract_ibsi(flat, BLOCK, EVERYTHING)
    assert undefined(found) == {"morph_moran_i", "morph_geary_c", "ivh_i10", "ivh_i90", "ivh_diff_i10_i90"}
    assert found["cm_joint_entr_3D_comb", "3D merged"] == 0.0
    assert found["ngt_coarseness_3D", "3D"] == 1e6
    assert found["stat_var", ""] == 0.0


@pytest.mark.parametrize("roi", [box(slice(3, 8), slice(3, 8), 4), box(3, slice(3, 8), 4)], ids=["plane", "line"])
def test_a_lesion_without_depth(roi):
    found = extract_ibsi(image(), roi, EVERYTHING)
    assert np.isnan(found["morph_vol_dens_aee", ""])
    assert not np.isinf(list(found.values())).any()


def test_problems_name_the_reader():
    with pytest.raises(CaseError, match=r"reader reader1: resegmentation to -5 \.\.\. -1 leaves none of 75 voxels"):
        extract_ibsi(image(), BLOCK, {**EVERYTHING, "resegment_range": (-5, -1)})
    with pytest.raises(StudyFileError, match="bin_width or bin_count"):
        extract_ibsi(image(), BLOCK, {})
    with pytest.raises(CaseError, match="below the first bin at 500"):
        extract_ibsi(image(), BLOCK, {"bin_width": 25, "lowest": 500})


def test_files_and_arrays_give_the_same(tmp_path):
    image().write(tmp_path / "image.nii.gz")
    Volume(BLOCK.mask.astype(np.float32) * 2, AFFINE).write(tmp_path / "mask.nii.gz")
    found = extract_ibsi(tmp_path / "image.nii.gz", str(tmp_path / "mask.nii.gz"), EVERYTHING, label=2)
    assert found == extract_ibsi(image(), BLOCK, EVERYTHING)


def test_no_warning_is_given():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        extract_ibsi(image(), VOXEL, EVERYTHING)
