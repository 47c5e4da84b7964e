from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

from radstudy.cohort.manifest import read_cohort
from radstudy.demo.appearance import PROTOCOL, paint
from radstudy.demo.appearance import make_breast as breast_of
from radstudy.demo.cohort import make, plan, simulate
from radstudy.demo.lesion import make_lesion
from radstudy.demo.reading import dice
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume
from radstudy.protocol import load_protocol


def hashes(folder: Path) -> dict[str, str]:
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("demo"), patients=20, seed=7, jobs=1).parent


@pytest.mark.long
def test_the_same_seed_gives_the_same_files_whatever_the_processes(made: Path, tmp_path: Path) -> None:
    seen: list[object] = []

    def watch(items: object, total: int, what: str) -> object:
        seen.append(total)
        return items

    make(tmp_path / "again", patients=20, seed=7, jobs=2, progress=watch)  # type: ignore[arg-type]
    assert hashes(tmp_path / "again") == hashes(made)
    assert seen == [20]


def test_the_study_file_and_table_are_accepted(made: Path) -> None:
    protocol = load_protocol(made / "study.yaml")
    assert "SYNTHETIC" in protocol.study
    assert "SYNTHETIC" in protocol.notice
    cohort = read_cohort(protocol, made)
    assert len(cohort.rows) == 20
    assert len(cohort.cases) == 80
    assert not cohort.failures
    assert sum(len(case.masks) == 2 for case in cohort.cases) == 4 * 7
    assert cohort.rows["outcome"].groupby(cohort.rows["set"]).nunique().eq(2).all()


def test_everything_that_can_says_synthetic(made: Path) -> None:
    for name in ("study.yaml", "README.txt", "truth.csv"):
        assert "SYNTHETIC" in (made / name).read_text(encoding="utf-8")
    for file in made.rglob("*.nii.gz"):
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(file))
        reader.ReadImageInformation()
        assert reader.GetMetaData("descrip").startswith("SYNTHETIC")


def test_sequences_show_one_lesion_at_one_place(made: Path) -> None:
    table = pd.read_csv(made / "cohort.csv").set_index("patient_id")
    for folder in sorted((made / "images").iterdir())[:6]:
        centres, volumes = [], []
        for sequence, look in PROTOCOL.items():
            image = Volume.read(folder / f"{sequence}.nii.gz")
            mask = Roi.read(made / "masks" / folder.name / f"{sequence}_reader1.nii.gz").on_grid_of(image)
            assert image.stored_dtype == np.int16
            np.testing.assert_allclose(image.spacing_mm, look.spacing_mm, rtol=1e-5)
            index = np.argwhere(mask.mask).mean(axis=0)
            centres.append((image.affine @ [*index, 1])[:3])
            volumes.append(mask.volume_mm3)
        np.testing.assert_allclose(centres, [centres[2]] * 4, atol=1.5)
        np.testing.assert_allclose(volumes, volumes[2], rtol=0.25)
        assert (centres[0][0] > 0) == (table.at[folder.name, "side"] == "right")  # RAS


def test_the_drawn_diameter_is_the_tables() -> None:
    _, _, plans = plan(patients=107, seed=2, null=False)
    for patient in plans[::20]:
        _, _, masks, affine = next(item for item in simulate(patient) if item[0] == "DCE3")
        corners = np.argwhere(masks["reader1"]) @ affine[:3, :3].T
        diameter = pdist(corners[ConvexHull(corners).vertices]).max()
        assert diameter == pytest.approx(patient.diameter_mm, abs=2.5)


def test_the_readers_disagree_as_readers_do() -> None:
    _, _, plans = plan(patients=107, seed=3, null=False)
    found = []
    for patient in [item for item in plans if item.doubly_read][:8]:
        found += [dice(masks["reader1"], masks["reader2"]) for _, _, masks, _ in simulate(patient)]
    assert 0.85 < np.mean(found) < 0.92
    assert min(found) > 0.75
    assert max(found) < 0.97


def test_the_score_moves_texture_and_neither_brightness_nor_shape() -> None:
    _, _, plans = plan(patients=20, seed=4, null=False)
    patient = max(plans, key=lambda item: item.diameter_mm)
    rng = np.random.default_rng(1)
    lesion = make_lesion(patient.diameter_mm, patient.traits, rng)
    breast = breast_of(lesion, rng)
    inside = lesion.distance_mm < -1
    low, high = (
        paint("DCE7", score, lesion, breast, {**patient.traits, "necrosis": -3.0}, np.random.default_rng(2))
        for score in (-0.5, 1.5)
    )
    assert high[inside].mean() == pytest.approx(low[inside].mean(), rel=0.02)
    assert np.array_equal(high[lesion.distance_mm > 1], low[lesion.distance_mm > 1])
    assert high[inside].std() > 1.2 * low[inside].std()
    steps = [np.abs(np.diff(image, axis=0)[inside[1:]]).mean() / image[inside].std() for image in (low, high)]
    assert steps[1] > 1.2 * steps[0]  # finer


def test_an_image_depends_on_its_own_score_alone() -> None:
    _, _, plans = plan(patients=20, seed=5, null=False)
    patient = min(plans, key=lambda item: item.diameter_mm)
    first = {name: image for name, image, _, _ in simulate(patient)}
    other = {n: i for n, i, _, _ in simulate(replace(patient, scores={**patient.scores, "DCE7": 9.0}))}
    for name, image in first.items():
        assert np.array_equal(image, other[name]) == (name != "DCE7")


def test_the_smallest_lesions_can_be_extracted_on_dwi() -> None:
    _, _, plans = plan(patients=107, seed=6, null=False)
    for patient in sorted(plans, key=lambda item: item.diameter_mm)[:4]:
        masks = next(masks for name, _, masks, _ in simulate(patient) if name == "DWI")
        assert all(mask.sum() >= 12 for mask in masks.values())
        assert all(mask.any(axis=(0, 1)).sum() >= 2 for mask in masks.values())


def test_lobulated_lesions_keep_their_volume() -> None:
    _, _, plans = plan(patients=107, seed=20260114, null=False)
    most = sorted(plans, key=lambda item: item.traits["lobulation"])[-6:]
    for patient in most:
        lesion = make_lesion(patient.diameter_mm, patient.traits, np.random.default_rng(3))
        ball = np.pi / 6 * patient.diameter_mm**3
        assert 0.25 < np.count_nonzero(lesion.distance_mm < 0) / ball < 0.9
