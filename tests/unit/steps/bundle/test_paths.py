"""A study file in a bundle tells nothing of the computer that it was run on."""

from pathlib import Path

from radstudy.steps.bundle.paths import OUTSIDE, without_places


def test_paths_start_from_the_data_and_others_lose_their_folders():
    settings = {
        "table": "/home/dr.smith/study/cohort.csv", "images": "images/{patient}.nii.gz", "n": 3, "none": None,
        "files": ["/home/dr.smith/study/a/b.csv", r"C:\\Users\\smith\\features.csv", "/etc/params.yaml"],
        "notice": "First line\n/second line",
    }  # fmt: skip
    assert without_places(settings, Path("/home/dr.smith/study")) == {
        "table": "cohort.csv", "images": "images/{patient}.nii.gz", "n": 3, "none": None,
        "files": ["a/b.csv", f"{OUTSIDE}/features.csv", f"{OUTSIDE}/params.yaml"], "notice": "First line\n/second line",
    }  # fmt: skip
