"""The table of scanners and acquisition."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from radstudy.report.facts import AbsentError
from radstudy.report.tables import TABLES

FILE = "report/acquisition.csv"


def with_images(whole, **columns):
    row = whole.frames[FILE].iloc[0].to_dict()
    count = len(next(iter(columns.values())))
    images = [
        {**row, "patient": f"p{i}", **{name: values[i] for name, values in columns.items()}} for i in range(count)
    ]
    whole.frames[FILE] = pd.DataFrame(images)
    return {row[0].text: row[1] for row in TABLES["acquisition"](whole).rows}


def test_scanners_are_counted_and_one_value_stands_alone(whole):
    told = with_images(whole, model=["Skyra", "Skyra", "Aera"], field_strength_t=[3.0, 3.0, 1.5])
    assert told["Images"].text == "3"
    assert told["SIEMENS Skyra"].text == "2" and told["SIEMENS Aera"].text == "1"
    assert told["Field strength (T)"].text == "3 (2), 1.5 (1)"
    assert told["Echo time (ms)"].text == "80" and told["Echo time (ms)"].below == ""


def test_many_values_are_told_by_their_median_and_what_is_missing_is_said(whole):
    told = with_images(whole, echo_time_ms=[70.0, 80.0, 90.0, 100.0, 110.0, np.nan])
    assert told["Echo time (ms)"].text == "90"
    assert told["Echo time (ms)"].below == "70 to 110; not recorded in 1"


def test_what_no_image_has_recorded_is_left_out(whole):
    assert "Inversion time (ms)" not in with_images(whole, model=["Skyra"])


def test_without_an_import_the_table_says_why_it_is_absent(whole):
    frames = {name: frame for name, frame in whole.frames.items() if name != FILE}
    with pytest.raises(AbsentError, match="written by 'radstudy import'"):
        TABLES["acquisition"](replace(whole, frames=frames))
