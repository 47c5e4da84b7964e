"""The box around a mask."""

import numpy as np

from radstudy.imaging.box import bounding_box


def test_bounding_box_of_any_memory_order():
    mask = np.zeros((5, 6, 7), dtype=bool)
    mask[1:3, 2:6, 4] = True
    for order in (mask, np.asfortranarray(mask), mask[:, ::-1][:, ::-1]):
        assert bounding_box(order) == ((1, 3), (2, 6), (4, 5))
    assert bounding_box(np.zeros((2, 2, 2), dtype=bool)) is None
