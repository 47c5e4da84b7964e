"""The feature table."""

import numpy as np
import pandas as pd

from radstudy.table import FeatureTable


def test_a_table_of_arrays_is_that_of_named_values(tmp_path):
    names = ["b", "a", "c"]
    values = {("P2", "1", "T2", "r1"): [1.0, np.nan, 3.0], ("P10", "1", "T2", "r1"): [4.0, 5.0, 1e-300],
              ("P2", "1", "DWI", "r2"): [7.0, 8.0, 9.0]}  # fmt: skip
    arrays = FeatureTable.from_arrays({key: np.array(row) for key, row in values.items()}, names)
    named = FeatureTable.from_rows({key: dict(zip(names, row, strict=True)) for key, row in values.items()})
    pd.testing.assert_frame_equal(arrays.frame, named.frame, check_exact=True)
    arrays.write(tmp_path / "arrays.parquet")
    named.write(tmp_path / "named.parquet")
    assert (tmp_path / "arrays.parquet").read_bytes() == (tmp_path / "named.parquet").read_bytes()
