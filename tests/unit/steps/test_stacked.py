"""Tables below one another."""

import numpy as np
import pandas as pd

from radstudy.steps.run import stacked


def test_a_column_without_a_value_in_one_part_takes_its_type_from_the_others():
    """pandas warns of such parts, and warnings are errors here."""
    nothing = pd.DataFrame({"model": ["a"], "auc": [np.nan], "note": [None], "empty": [None]})
    something = pd.DataFrame({"model": ["b"], "auc": [0.75], "note": ["one class"], "more": [1]})
    whole = stacked([nothing, pd.DataFrame(), something], ["model"])
    assert list(whole.columns) == ["model", "auc", "note", "empty", "more"]
    assert whole["auc"].dtype == float and whole["auc"].isna().tolist() == [True, False]
    assert whole["note"].isna().tolist() == [True, False] and whole["empty"].isna().all()
    assert whole.to_csv(index=False) == "model,auc,note,empty,more\na,,,,\nb,0.75,one class,,1.0\n"


def test_without_any_row_the_columns_are_there():
    assert list(stacked([pd.DataFrame()], ["model", "auc"]).columns) == ["model", "auc"]


def test_a_part_whose_columns_are_all_empty_keeps_its_rows():
    whole = stacked([pd.DataFrame({"a": [np.nan, np.nan]}), pd.DataFrame({"a": [1.0]})], ["a"])
    assert whole["a"].isna().tolist() == [True, True, False]
