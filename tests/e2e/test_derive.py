"""`radstudy derive` from the command line, on the real breast DCE patient."""

import numpy as np
import pandas as pd
import pydicom
import pytest

from radstudy import Roi, Volume

RECIPE = """
patient: id
mask: seg
dce:
  phases: ["{patient}/DCE1.nii", "{patient}/DCE2.nii", "{patient}/DCE3.nii"]
  times_s: [-230, 177, 531]
  injection_s: 0
  maps: [early]
  motion: false
"""


def test_a_cohort_with_a_bad_row_gives_maps_a_table_and_exit_code_4(command, real_data, tmp_path):
    patient = real_data / "breast_dce" / "UCSF-BR-06"
    files = [pydicom.dcmread(file) for file in (patient / "image_dce_3dfgre_orig").iterdir()]
    files.sort(key=lambda item: int(item.InstanceNumber))
    origin, end = (np.array(files[i].ImagePositionPatient, float) * [-1, -1, 1] for i in (0, 59))
    rows, columns = (float(value) for value in files[0].PixelSpacing)
    along = np.array(files[0].ImageOrientationPatient, float).reshape(2, 3) * [-1, -1, 1]
    affine = np.eye(4)
    affine[:3] = np.column_stack([along[0] * columns, along[1] * rows, (end - origin) / 59, origin])
    (tmp_path / "one").mkdir()
    for number in range(3):
        part = np.stack([item.pixel_array.T for item in files[60 * number : 60 * number + 60]], axis=2)
        Volume(part, affine).write(tmp_path / "one" / f"DCE{number + 1}.nii")
    seg = str(patient / "mask" / "1-1.dcm")
    pd.DataFrame({"id": ["one", "two"], "seg": [seg, seg]}).to_csv(tmp_path / "cohort.csv", index=False)
    (tmp_path / "derive.yaml").write_text(RECIPE, encoding="utf-8")
    done = command("derive", tmp_path / "cohort.csv", "--recipe", tmp_path / "derive.yaml",
                   "--out", tmp_path / "out", "--jobs", "1", check=4)  # fmt: skip
    assert "Patient two" in done.stderr and "DCE1.nii: the file does not exist" in done.stderr
    table = pd.read_csv(tmp_path / "out" / "cohort.csv", keep_default_na=False)
    inside = Roi.read(seg, None, Volume.read(tmp_path / "one" / "DCE1.nii")).mask
    before, first, last = (Volume.read(tmp_path / "one" / f"DCE{n}.nii").voxels[inside].mean() for n in (1, 2, 3))
    assert float(table["late_change_percent"][0]) == pytest.approx(100 * (last / first - 1), abs=0.01)
    assert float(table["initial_enhancement_percent"][0]) == pytest.approx(100 * (first / before - 1), abs=0.01)
    assert table["curve_type"].tolist() == ["II", ""]
    early = Volume.read(tmp_path / "out" / table["DCE_early"][0])
    assert early.voxels.shape == (256, 256, 60) and early.is_finite
