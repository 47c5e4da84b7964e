from dataclasses import asdict

import pytest

from radstudy.app.reading.cases import mask_file, read_reading_cohort
from radstudy.errors import CohortError, DataError
from radstudy.protocol.load import parse_protocol
from unit.app.reading.conftest import ROWS, STUDY, write_table


def test_every_row_with_images_is_read_excluded_ones_too_in_the_identifiers_order(protocol, folder):
    cohort = read_reading_cohort(protocol, folder)
    assert [lesion.key for lesion in cohort.lesions] == [("P1", "1"), ("P1", "2"), ("P2", "1")]
    assert [lesion.target for lesion in cohort.lesions] == [
        (("side", "right"),),
        (("side", "left"),),
        (("side", "left"),),
    ]
    assert cohort.without_images == (("P3", "1"),)
    assert cohort.problems == ()


def test_a_sequence_that_is_not_there_is_left_out_and_visibility_is_not_asked(protocol, folder):
    first, _, third = read_reading_cohort(protocol, folder).lesions
    assert [image.sequence for image in first.images] == ["T2WI", "DCE2"]
    assert [image.sequence for image in third.images] == ["DCE2"]  # though the table says: seen on T2WI
    assert first.image("T2WI").file == folder / "images/P1/T2WI.nii.gz"
    with pytest.raises(KeyError):
        third.image("T2WI")


def test_phases_of_the_dynamic_scan_stand_in_its_order_with_their_times(protocol, folder):
    lesion = read_reading_cohort(protocol, folder).lesions[0]
    assert [(phase.name, phase.number, phase.seconds) for phase in lesion.image("DCE2").phases] == [
        ("DCE1", 1, None), ("DCE2", 2, None), ("DCE10", 10, 540.5),
    ]  # fmt: skip
    assert lesion.image("T2WI").phases == ()


@pytest.mark.parametrize(
    ("pattern", "files"),
    [
        ("{sequence}/{patient}.nii.gz", ["DCE1/P1.nii.gz", "DCE2/P1.nii.gz"]),
        ("{patient}_{sequence}_raw.nii.gz", ["P1_DCE1_raw.nii.gz", "P1_DCE2_raw.nii.gz"]),
        ("{patient}/*_{sequence}.nii.gz", ["P1/004_DCE1.nii.gz", "P1/005_DCE2.nii.gz"]),
    ],
)
def test_phases_are_found_by_any_pattern(tmp_path, pattern, files):
    for name in [*files, "P1_DCE3_mask.nii.gz", "DCE9/other.nii.gz"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    write_table(tmp_path, [("P1", "1", "left", "", "", "1", "training", "50")])
    protocol = parse_protocol(STUDY.replace("images/{patient}/{sequence}.nii.gz", pattern))
    (lesion,) = read_reading_cohort(protocol, tmp_path).lesions
    assert [phase.file for phase in lesion.image("DCE2").phases] == [tmp_path / name for name in files]


def test_nothing_depends_on_what_no_reader_may_know(protocol, folder):
    def seen():
        return repr([asdict(lesion) for lesion in read_reading_cohort(protocol, folder).lesions])

    before = seen()
    other = [(patient, lesion, side, "gone" if not out else "", "DCE2", str(1 - int(fish or 1)), "testing", "99")
             for patient, lesion, side, out, _, fish, _, _ in reversed(ROWS)]  # fmt: skip
    write_table(folder, other)
    assert seen() == before
    write_table(folder, [(*row[:2], "left", *row[3:]) for row in ROWS])
    assert seen() != before  # the target is shown, so the comparison can fail


def test_two_phases_of_one_number_are_told_with_their_place(protocol, folder):
    (folder / "images/P1/DCE02.nii.gz").write_bytes(b"")
    cohort = read_reading_cohort(protocol, folder)
    assert str(cohort.problems[0]).startswith("Patient P1, lesion 1, DCE2, file ")
    assert "two phases have the number 2" in str(cohort.problems[0])
    assert [image.sequence for image in cohort.lesions[0].images] == ["T2WI"]


def test_a_readers_mask_is_where_the_study_file_looks_for_it(protocol, folder):
    lesion = read_reading_cohort(protocol, folder).lesions[0]
    assert mask_file(protocol, folder, lesion, "T2WI", "ben") == folder / "masks/P1/T2WI_ben.nii.gz"


def test_a_target_column_that_is_not_there_is_named(folder):
    protocol = parse_protocol(STUDY.replace("reading:", "reading:\n  target: [clock]"))
    with pytest.raises(CohortError, match=r"reading\.target names the column 'clock'"):
        read_reading_cohort(protocol, folder)


def test_a_study_without_any_image_is_refused(protocol, tmp_path):
    write_table(tmp_path)
    with pytest.raises(DataError, match="there is nothing to read"):
        read_reading_cohort(protocol, tmp_path)
