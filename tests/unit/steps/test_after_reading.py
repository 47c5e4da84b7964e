"""A run after reading: masks, answers, visibility and summary are picked up without a change of the study file."""

import dataclasses

import pandas as pd
import pytest
from typer.testing import CliRunner

from radstudy.app.reading.arbitration import FinalValue
from radstudy.app.reading.closed_case import ClosedCase, DrawnSequence
from radstudy.app.reading.export import ReadingState, write_record
from radstudy.app.reading.forms import SequenceAnswer
from radstudy.app.reading.strokes import codes_of, runs_of
from radstudy.app.reading.summary import ReadingSettings
from radstudy.cli import app
from radstudy.imaging.volume import Volume
from radstudy.protocol.load import parse_protocol
from radstudy.report.facts import read_facts
from radstudy.report.text.methods import methods
from radstudy.store import read_json
from unit.steps.test_two_readers import PATIENTS, SHAPE, STUDY, drawn, folder

__all__ = ["folder"]
ROOM = STUDY.replace("sequences:", "  clinical: {margin: {levels: [smooth, rough], table: imaging}}\nsequences:")


def closed(data, reader, number):
    """A reader's case of drawing, on the images of a patient."""
    patient, masks = PATIENTS[number], []
    for sequence in SHAPE:
        file = data / patient / f"{sequence}.nii.gz"
        runs = runs_of(codes_of(drawn(sequence, number, reader), 1))
        masks.append(DrawnSequence(sequence=sequence, runs=runs, image=file, grid=Volume.read(file).grid))
    said = dict.fromkeys(SHAPE, SequenceAnswer(True, True, "", 4))
    return ClosedCase(reader, "masks", patient, "1", drawn=tuple(masks), per_sequence=said)


@pytest.fixture
def read(folder):
    """The study, its masks drawn and its margins described in the room instead; the last patient unseen on DWI."""
    for file in folder.glob("*/*_[ab].nii.gz"):
        file.unlink()
    cases = [closed(folder, reader, number) for reader in "ab" for number in range(8)]
    unseen = {**cases[7].per_sequence, "DWI": SequenceAnswer(False, True, "", 2)}
    cases[7] = dataclasses.replace(cases[7], drawn=cases[7].drawn[:1], per_sequence=unseen)
    margins = ["smooth", "rough", "rough", "smooth", "rough", "smooth", "rough", "rough"]
    cases += [ClosedCase(reader, "characteristics", patient, "1", answers={"margin": margin})
              for reader in "ab" for patient, margin in zip(PATIENTS, margins, strict=True)]  # fmt: skip
    finals = {(patient, "1"): {"margin": FinalValue(margin, "agreed")}
              for patient, margin in zip(PATIENTS, margins, strict=True)}  # fmt: skip
    settings = ReadingSettings("acquired", 0, {"margin": ("smooth", "rough")})
    protocol = parse_protocol(ROOM)
    write_record(ReadingState(protocol, folder, folder / "reading", ("a", "b"), cases, settings, finals))
    return folder


def command(data, *more):
    (data / "study.yaml").write_text(ROOM, encoding="utf-8")
    return CliRunner().invoke(app, ["run", str(data / "study.yaml"), "--step", "cohort", "--jobs", "1", *more])


def test_a_run_takes_everything_from_the_record(read):
    result = command(read)
    assert result.exit_code == 0, result.output
    (out,) = [file.parent.parent for file in read.rglob("cohort/rows.csv")]
    rows = pd.read_csv(out / "cohort" / "rows.csv")
    assert rows["margin"].tolist() == ["smooth", "rough", "rough", "smooth", "rough", "smooth", "rough", "rough"]
    absent = pd.read_csv(out / "cohort" / "absent.csv")
    assert absent.to_numpy().tolist() == [["P7", 1, "DWI"]]
    assert len(read_json(out / "cohort" / "cases.json")) == 15
    assert read_json(out / "cohort" / "reading.json")["masks"] == 31
    text = " ".join(paragraph.text for paragraph in methods(read_facts(parse_protocol(ROOM), out)))
    assert "a drew 8 lesions" in text
    assert "freehand contours (100.0%)" in text
    assert "met a patient again" not in text
    assert "another program" not in text
    summary = read / "reading" / "summary.json"
    summary.unlink()
    assert command(read).exit_code == 0
    assert not (out / "cohort" / "reading.json").exists()
