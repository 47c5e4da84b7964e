"""The pictures of the lesions: contours on the voxels' sides, large files beside the page."""

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from radstudy.report import pictures
from radstudy.report.facts import AbsentError
from radstudy.report.pictures import LARGE, PicturePlanes, albums, draw, drawn, filled, planes_of, voxel_edges

ORANGE, BLUE = (230, 159, 0), (86, 180, 233)


def planes(readers=("a",)):
    content = {}
    for index in range(3):
        mask = np.zeros((10, 10), dtype=bool)
        mask[3:7, 2:5] = True
        content |= {f"image_{index}": np.full((10, 10), 100, dtype=np.uint8), f"spacing_{index}": np.array([1.0, 1.0])}
        content |= {f"mask_{reader}_{index}": mask for reader in readers}
    return content


def test_the_sides_of_a_mask_are_its_perimeter():
    mask = np.zeros((10, 10), dtype=bool)
    mask[3:7, 2:5] = True
    edges = voxel_edges(mask)
    assert len(edges) == 2 * (4 + 3)
    assert edges.min(axis=(0, 1)).tolist() == [2, 3] and edges.max(axis=(0, 1)).tolist() == [5, 7]
    mask[4, 3] = False  # a hole has sides, too
    assert len(voxel_edges(mask)) == 14 + 4
    assert voxel_edges(np.zeros((4, 4), dtype=bool)).shape == (0, 2, 2)


def test_the_contour_lies_where_the_mask_ends():
    picture = np.asarray(draw(planes(), ("a",), height=600))
    own = (picture == ORANGE).all(axis=2)[:, :600]
    rows, columns = np.nonzero(own)
    assert (rows.min(), columns.min()) == pytest.approx((180, 120), abs=3)
    assert (rows.max(), columns.max()) == pytest.approx((420, 300), abs=3)
    assert not own[200:400, 150:280].any()


def test_a_second_contour_on_the_first_leaves_both_visible():
    picture = np.asarray(draw(planes("ab"), ("a", "b"), height=600))
    assert (picture == ORANGE).all(axis=2).sum() > 500
    assert (picture == BLUE).all(axis=2).sum() > 500


def with_pictures(whole, tmp_path):
    np.savez(tmp_path / "p0_1_T2.npz", **planes("ab"))
    (tmp_path / "p1_1_T2.npz").write_bytes(b"damaged")
    return replace(whole, pictures=(tmp_path / "p0_1_T2.npz", tmp_path / "p1_1_T2.npz"))


def test_each_picture_is_written_large_with_the_notice_and_a_damaged_one_is_left_out(whole, tmp_path):
    own = [drawn(PicturePlanes(file, True), ("a", "b"), whole.protocol.notice)
           for file in with_pictures(whole, tmp_path).pictures]  # fmt: skip
    assert own[1].large is None and own[1].source == "" and own[1].problem
    assert own[0].name == "p0_1_T2" and own[0].source.startswith("data:image/")
    with Image.open(io.BytesIO(own[0].large)) as picture:
        assert picture.info["dpi"] == (300, 300)
        assert picture.width > 3 * LARGE
        assert picture.height > LARGE  # the notice, below
        line = np.asarray(picture)[LARGE + 4 :]
        assert (line[:, :, 0] > 180).any()


def test_a_study_that_asks_for_no_pictures_gets_none(whole, tmp_path):
    facts = with_pictures(whole, tmp_path)
    report = facts.protocol.report.model_copy(update={"quality_pictures": False})
    off = replace(facts, protocol=facts.protocol.model_copy(update={"report": report}))
    with pytest.raises(AbsentError, match="quality_pictures"):
        albums(off)


def cohort_of(whole, tmp_path, patients):
    """A run with a picture of every patient; every seventh one has a warning of its own."""
    names = [f"p{index}" for index in range(patients)]
    for name in names:
        (tmp_path / f"{name}_1_T2.npz").touch()
    warnings = [f"odd {index}" if index % 7 == 6 else "" for index in range(patients)]
    lesions = pd.DataFrame({"patient": names, "lesion": "1", "sequence": "T2", "warnings": warnings})
    files = tuple(tmp_path / f"{name}_1_T2.npz" for name in names)
    volumes = lesions.drop(columns="lesion").assign(warnings="")
    frames = {**whole.frames, "prepare/lesions.csv": lesions, "prepare/volumes.csv": volumes}
    return replace(whole, pictures=files, frames=frames)


def test_of_a_large_cohort_the_page_has_a_stated_sample_and_the_rest_as_files(whole, tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "IN_PAGE", 20)
    sheets = albums(cohort_of(whole, tmp_path, 63))
    shown = [album.patient for album in sheets if album.in_page]
    assert len(shown) == 20 and shown[:9] == [f"p{index}" for index in range(6, 63, 7)]
    places = [index for index, album in enumerate(sheets) if album.in_page]
    assert places[:10] == list(range(10)) and set(np.diff(places[10:])) == {5, 6}
    assert [one.in_page for one in planes_of(sheets)] == [album.in_page for album in sheets]
    assert all(album.pictures[0].file for album in sheets)
    assert all(album.in_page for album in albums(cohort_of(whole, tmp_path, 20)))


def test_a_picture_that_cannot_be_read_says_so_in_its_place(whole, tmp_path):
    facts = cohort_of(whole, tmp_path, 2)
    np.savez(facts.pictures[0], **planes("ab"))
    own = {one.file: drawn(one, ("a", "b"), "") for one in planes_of(albums(facts))}
    first, second = (album.pictures[0] for album in filled(albums(facts), own))
    assert first.source and first.file == "p0_1_T2.jpg"
    assert not second.source and not second.file and "cannot be read" in second.alt


def with_warnings(whole, tmp_path, lesions, volumes):
    names = [f"p{index}" for index in range(len(lesions))]
    for name in names:
        (tmp_path / f"{name}_1_T2.npz").touch()
    common = {"patient": names, "sequence": "T2"}
    frames = {
        **whole.frames,
        "prepare/lesions.csv": pd.DataFrame({**common, "lesion": "1", "warnings": lesions}),
        "prepare/volumes.csv": pd.DataFrame({**common, "warnings": volumes}),
    }
    return replace(whole, pictures=tuple(tmp_path / f"{name}_1_T2.npz" for name in names), frames=frames)


def test_a_warning_is_usual_whatever_its_numbers(whole, tmp_path):
    """Most lesions have a sigma below their spacing; that it is another spacing is nothing unusual."""
    sizes = ["LoG sigma 2 mm is below the native spacing (3.91 mm)"] * 2
    sizes += ["LoG sigma 2, 4 mm is below the native spacing (5.47 mm)"] * 3
    sheets = albums(with_warnings(whole, tmp_path, [*sizes, "only 5 bins"], [""] * 6))
    assert [(album.patient, album.warnings) for album in sheets][:2] == [("p5", 1), ("p0", 0)]


def test_a_warning_of_the_volume_is_one_of_its_lesions(whole, tmp_path):
    sheets = albums(with_warnings(whole, tmp_path, [""] * 3, ["", "", "rounding alone may move the field"]))
    assert [(album.patient, album.warnings) for album in sheets] == [("p2", 1), ("p0", 0), ("p1", 0)]
    assert sheets[0].pictures[0].warnings == ("rounding alone may move the field",)
