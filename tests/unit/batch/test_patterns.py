"""Cases of a folder, by patterns of the paths of images and masks."""

import pytest

from radstudy.batch.patterns import cases_in_folder
from radstudy.errors import CaseError, DataError, UsageError


@pytest.fixture
def folder(tmp_path):
    for name in ("P1/image.nii.gz", "P1/mask_a.nii.gz", "P1/mask_b.nii.gz", "P2/image.nii.gz", "P3/mask_a.nii.gz",
                 ".hidden/image.nii.gz", "flat/P1.nii.gz", "flat/P1_seg.nii.gz"):  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_each_mask_is_a_case_and_what_lacks_its_partner_a_problem(folder):
    table = cases_in_folder(folder, "{patient}/image.nii.gz", "{patient}/mask_{reader}.nii.gz")
    assert table.columns == ("patient", "reader", "Image", "Mask")
    assert table.rows == (
        ("P1", "a", "P1/image.nii.gz", "P1/mask_a.nii.gz"), ("P1", "b", "P1/image.nii.gz", "P1/mask_b.nii.gz"),
        ("P2", "", "P2/image.nii.gz", ""), ("P3", "a", "", "P3/mask_a.nii.gz"),
    )  # fmt: skip
    assert table.case(1).mask == folder / "P1/mask_b.nii.gz"
    problems = [table.case(number) for number in (2, 3)]
    assert all(isinstance(problem, CaseError) for problem in problems)
    assert [problem.problem for problem in problems] == ["the image has no mask", "the mask has no image"]
    assert table.patient(0) == "P1"


def test_a_mask_that_looks_like_an_image_is_a_mask(folder):
    table = cases_in_folder(folder, "flat/{id}.nii.gz", "flat/{id}_seg*.nii.gz")
    assert table.rows == (("P1", "flat/P1.nii.gz", "flat/P1_seg.nii.gz"),)


@pytest.mark.parametrize(
    ("image", "mask", "kind", "message"),
    [
        ("{id}/x.nii", "{id}/mask*", DataError, r"no file fits --image-pattern '\{id\}/x.nii'. Files there: P1/image"),
        ("image.nii", "{id}/m", UsageError, "--image-pattern 'image.nii' is not a pattern"),
        ("{id}/{id}.nii", "{id}/m", UsageError, "is not a pattern"),
        ("{id/x.nii", "{id}/m", UsageError, "is not a pattern"),
        ("{id}/x.nii", "{case}/m", UsageError, "no name in common"),
        ("{image}/x.nii", "{image}/m", UsageError, "other names than image"),
        ("{id}/*.nii.gz", "{id}/*.nii.gz", UsageError, "are the same"),
    ],
)
def test_patterns_that_join_nothing_are_refused(folder, image, mask, kind, message):
    with pytest.raises(kind, match=message):
        cases_in_folder(folder, image, mask)


def test_two_images_of_one_case_are_refused(folder):
    (folder / "P1/image.nrrd").touch()
    with pytest.raises(DataError, match=r"P1/image\.nii\.gz and P1/image\.nrrd are both the image of P1"):
        cases_in_folder(folder, "{id}/image*", "{id}/mask_a*")
    with pytest.raises(UsageError, match="is not a folder"):
        cases_in_folder(folder / "nowhere", "{id}/image*", "{id}/mask_a*")
