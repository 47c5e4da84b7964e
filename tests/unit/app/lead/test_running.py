import io

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from radstudy.app.lead.flow import cohort_of, protocol_of
from radstudy.app.lead.pictures import picture_of
from radstudy.app.lead.running import failures_of, run_arguments, start_run, steps_of, warnings_of
from radstudy.errors import UsageError
from radstudy.study import run


def first_case(project):
    return cohort_of(project, protocol_of(project)).cases[0]


def size_of(png):
    return Image.open(io.BytesIO(png)).size


def test_the_command_of_the_page_is_the_one_that_it_starts(project):
    assert run_arguments(project) == ["run", str(project.study)]
    assert run_arguments(project, until="extract", jobs=2) == [
        "run",
        str(project.study),
        "--step",
        "extract",
        "--jobs",
        "2",
    ]
    with pytest.raises(UsageError, match="there is no step 'extrat'"):
        start_run(project, until="extrat", jobs=None)


def test_a_failed_case_is_listed_with_problem_and_remedy(project):
    nib.save(nib.Nifti1Image(np.zeros((16, 16, 8), np.uint8), np.eye(4)), project.folder / "P1_anna.nii.gz")
    (project.folder / "P2_anna.nii.gz").unlink()
    lost = "1 lesion(s) lack an image or a mask and are left out: see the page Reading"
    assert lost in warnings_of(project)
    run(protocol_of(project), data=project.folder, out=project.run, until="prepare", jobs=1)
    failures = {failure["patient"]: failure for failure in failures_of(project)}
    assert set(failures) == {"P1", "P2"}
    assert all(failure["problem"] and failure["remedy"] for failure in failures.values())
    assert {step.step: step.failed for step in steps_of(project)}["cohort"] == 1


def test_a_picture_shows_the_lesion_or_the_middle_slice_or_nothing(project):
    case = first_case(project)
    width, height = size_of(picture_of(case))
    assert height == 190 and width > 2 * height  # three planes
    mask = dict(case.masks)["anna"]
    nib.save(nib.Nifti1Image(np.ones((3, 3, 3), np.uint8), np.eye(4)), mask)
    assert size_of(picture_of(case)) == (190, 190)
    case.image.write_bytes(b"no image")
    assert picture_of(case) is None
