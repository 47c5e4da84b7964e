"""Headers of files and of affines are the same, to the last bit where the file's numbers are short."""

import numpy as np
import pytest

from radstudy.errors import CaseError
from radstudy.formats.raster import affine_from_lps
from radstudy.imaging.header import header_of, header_spacing, read_header
from radstudy.imaging.volume import Volume

ORIGIN = (-101.3, 57.77, -12.125)


def test_headers(tmp_path):
    about_z = np.array([[np.cos(0.1), -np.sin(0.1), 0], [np.sin(0.1), np.cos(0.1), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(0.4), -np.sin(0.4)], [0, np.sin(0.4), np.cos(0.4)]])
    direction = about_z @ about_x
    affine = affine_from_lps(ORIGIN, (0.9375, 0.9765999913215637, 3.3), tuple(direction.ravel()))
    assert header_spacing(affine) == (0.9375, 0.9765999913215637, 3.3)
    header = header_of(affine)
    np.testing.assert_allclose(header.direction, direction.ravel(), atol=1e-15)
    np.testing.assert_allclose(header.origin_mm, ORIGIN)
    corner = np.array(header.itk_image().TransformContinuousIndexToPhysicalPoint((3.5, 2.0, 1.0)))
    np.testing.assert_allclose(corner * [-1, -1, 1], (affine @ [3.5, 2.0, 1.0, 1.0])[:3], atol=1e-12)
    Volume(np.zeros((4, 5, 6), dtype=np.float32), affine).write(tmp_path / "image.nrrd")
    read = read_header(tmp_path / "image.nrrd")
    np.testing.assert_allclose(read.direction, header.direction, atol=1e-12)
    (tmp_path / "text.nrrd").write_text("no image", encoding="utf-8")
    with pytest.raises(CaseError, match="cannot be read"):
        read_header(tmp_path / "text.nrrd")
