"""Pictures on the review page: of what is in question, as it was acquired, and never of pixels that may hold text."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image


def pictures(tmp_path):
    """The pictures of the page, as arrays (rows, columns)."""
    page = (tmp_path / "out" / "review.html").read_text("utf-8")
    found = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    assert page.count("<img") == len(found)  # nothing from elsewhere
    assert "http" not in page
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(text)))) for text in found], page


def test_the_middle_slice_of_each_volume_in_question_is_shown_as_acquired(synthetic, imported, tmp_path):
    twin = synthetic.t2(number=4, uid="twin", spacing=(1.6, 0.7), volumes=(synthetic.Volume(0),))
    synthetic.write(tmp_path / "in", synthetic.t2(), twin, synthetic.dynamic(3))
    imported(tmp_path / "in")
    (first, second), page = pictures(tmp_path)
    # 8 rows of 0.8 mm and 10 columns of 0.7 mm; 8 rows of 1.6 mm
    assert first.shape == (round(180 * 6.4 / 7), 180)
    assert second.shape == (180, round(180 * 7 / 12.8))
    assert page.count("slice 4 of 6") == 4  # the words, and what the picture is called
    for picture in (first, second):  # values grow to the right and downwards, more downwards
        assert (np.diff(picture.astype(int), axis=0) >= 0).all()
        assert (np.diff(picture.astype(int), axis=1) >= 0).all()
        assert (picture.min(), picture.max()) == (0, 255)


@pytest.mark.parametrize(
    ("tags", "shown"),
    [
        ({"BurnedInAnnotation": "YES"}, False),
        ({"ConversionType": "WSD"}, False),
        ({"ImageType": ["ORIGINAL", "SECONDARY", "OTHER"]}, False),
        ({"ConversionType": "WSD", "BurnedInAnnotation": "NO"}, True),
        ({"BurnedInAnnotation": "NO"}, True),
        ({}, True),
    ],
)
def test_no_picture_is_made_of_pixels_that_may_hold_text(synthetic, imported, tmp_path, tags, shown):
    scan = synthetic.t2(tags={**synthetic.T2, **tags})
    twin = synthetic.t2(tags={**synthetic.T2, **tags}, number=4, uid="twin")
    synthetic.write(tmp_path / "in", scan, twin)
    outcome = imported(tmp_path / "in")
    assert outcome.to_review == 2
    found, page = pictures(tmp_path)
    assert len(found) == (2 if shown else 0)
    assert page.count("text may be burned into its pixels") == (0 if shown else 2)


def test_one_slice_with_text_is_enough(synthetic, imported, tmp_path):
    files = synthetic.write(tmp_path / "in", synthetic.t2(), synthetic.t2(number=4, uid="twin"))
    dataset = synthetic.read(files[-1])
    dataset.BurnedInAnnotation = "YES"
    dataset.save_as(files[-1])
    imported(tmp_path / "in")
    assert len(pictures(tmp_path)[0]) == 1


def test_values_far_below_one_are_windowed_too(synthetic, imported, tmp_path):
    odd = {**synthetic.T2, "RescaleSlope": 0.0001, "RescaleIntercept": -1}
    synthetic.write(tmp_path / "in", synthetic.t2(tags=odd), synthetic.t2(tags=odd, number=4, uid="twin"))
    imported(tmp_path / "in")
    for picture in pictures(tmp_path)[0]:
        assert picture.max() == 255
