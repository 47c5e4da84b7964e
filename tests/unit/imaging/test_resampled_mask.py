"""What resampling does to a mask, and that no lesion vanishes in silence."""

import numpy as np
import pytest

from radstudy.errors import CaseError
from radstudy.imaging.resampled_mask import refuse_vanished, resampled_mask_report
from radstudy.imaging.roi import Roi


def test_report_before_anything_runs():
    mask = np.zeros((40, 40, 12), dtype=bool)
    mask[10:30, 10:30, 4:8] = True
    report = resampled_mask_report(Roi(mask, np.diag([1.0, 1.0, 3.0, 1.0])), (1.0, 1.0, 1.0))
    assert (report.native_voxels, report.resampled_voxels) == (1600, 4800)
    assert report.volume_change_percent == pytest.approx(0.0)
    tiny = np.zeros_like(mask)
    tiny[10, 10, 4:6] = True
    gone = resampled_mask_report(Roi(tiny, np.eye(4)), (8.0, 8.0, 1.0))
    assert gone.native_mm3 == 2.0
    same = resampled_mask_report(Roi(mask, np.eye(4)), None)
    assert same.resampled_voxels == same.native_voxels
    with pytest.raises(CaseError, match="the mask is empty"):
        resampled_mask_report(Roi(np.zeros((3, 3, 3), dtype=bool), np.eye(4)), None)


def test_a_mask_that_vanishes_is_said_with_its_numbers():
    mask = np.zeros((40, 40, 12), dtype=bool)
    mask[10, 10, 4:6] = True
    roi = Roi(mask, np.diag([1.0, 1.0, 2.0, 1.0]), reader="b", source="m.nii")
    report = resampled_mask_report(roi, (8.0, 8.0, 8.0), align="centre", partial_volume=0.5)
    assert report.resampled_voxels == 0
    with pytest.raises(
        CaseError, match=r"its 2 voxels \(4 mm3\) of 1 x 1 x 2 mm nothing is left at 8 x 8 x 8 mm"
    ) as caught:
        refuse_vanished(report, roi, (8.0, 8.0, 8.0))
    assert (caught.value.reader, caught.value.file) == ("b", "m.nii")
    refuse_vanished(resampled_mask_report(roi, (1.0, 1.0, 1.0)), roi, (1.0, 1.0, 1.0))
