"""Rules that cannot be read are named."""

import pytest

from radstudy.errors import StudyFileError
from radstudy.intake.rules import load_rules

RANGES = ["echo_ms", "repetition_ms", "flip_deg", "b_max", "phases", "images"]


@pytest.mark.parametrize("first", RANGES)
def test_of_several_broken_ranges_the_first_of_the_rule_is_named(tmp_path, first):
    lines = "".join(f", {name}: 5" for name in [first, *RANGES] if name != first)
    file = tmp_path / "roles.yaml"
    file.write_text(f"roles:\n  T2WI:\n    for:\n      - {{{first}: 3{lines}}}\n", encoding="utf-8")
    with pytest.raises(StudyFileError, match=rf"{first} must be \[lowest, highest\], not 3"):
        load_rules(file)
