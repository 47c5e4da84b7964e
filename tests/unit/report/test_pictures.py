"""The pictures of the lesions: contours on the voxels' sides, large files beside the page."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from radstudy.report.pictures import LARGE, draw, picture_files, voxel_edges

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
    files = dict(picture_files(with_pictures(whole, tmp_path)))
    assert list(files) == ["p0_1_T2.jpg"]
    with Image.open(io.BytesIO(files["p0_1_T2.jpg"])) as picture:
        assert picture.info["dpi"] == (300, 300)
        assert picture.width > 3 * LARGE
        assert picture.height > LARGE  # the notice, below
        line = np.asarray(picture)[LARGE + 4 :]
        assert (line[:, :, 0] > 180).any()


def test_a_study_that_asks_for_no_pictures_gets_none(whole, tmp_path):
    facts = with_pictures(whole, tmp_path)
    report = facts.protocol.report.model_copy(update={"quality_pictures": False})
    off = replace(facts, protocol=facts.protocol.model_copy(update={"report": report}))
    assert list(picture_files(off)) == []
