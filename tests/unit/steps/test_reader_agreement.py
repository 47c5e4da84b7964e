"""Agreement on the reading room's answers: every item that two readers answered, from their first locked answers."""

import numpy as np
import pandas as pd
import pytest

from radstudy.errors import CohortError
from radstudy.protocol.load import parse_protocol
from radstudy.statistics import icc
from radstudy.steps.agree import do_agree
from radstudy.steps.reader_agreement import kappa_table
from radstudy.steps.run import Run
from radstudy.store import read_json, write_csv

NAMED = "agree:\n  kappa:\n    margin: {columns: [margin_1, margin_2]}\n"
PAIRS = [("smooth", "smooth")] * 20 + [("rough", "rough")] * 15 + [("smooth", "rough")] * 10 + [("rough", "smooth")] * 5


def room_run(made, answers=None, more=""):
    study = made.study.replace("  images: ", "  table: cohort.csv\n  images: ") + more
    run = Run(parse_protocol(study), made.out, made.out, 1, print, lambda i, _n, _w: i)
    write_csv(run.path("cohort", "rows.csv"), made.rows)
    write_csv(made.out / "cohort.csv", made.rows.rename(columns={"patient": "id", "outcome": "y"}))
    if answers is not None:
        (made.out / "reading").mkdir()
        pd.DataFrame(answers).to_csv(made.out / "reading" / "answers.csv", index=False)
    return run


def answered(pairs=PAIRS, **more):
    patients = [f"P{number:02d}" for number in range(len(pairs))]
    return {"patient": patients, "lesion": 1, "margin_r1": [one for one, _ in pairs],
            "margin_r2": [two for _, two in pairs], "margin_final": "smooth", **more}  # fmt: skip


def test_levels_get_a_kappa_and_numbers_an_icc_without_a_word_in_the_study_file(synthetic):
    rng = np.random.default_rng(1)
    ages = np.round(rng.normal(50, 9, 50)[:, None] + rng.normal(0, 3, (50, 2)), 1)
    margin, age, likelihood = kappa_table(room_run(synthetic(), answered(
        age_r1=ages[:, 0], age_r2=ages[:, 1], likelihood_r1=np.arange(50), likelihood_r2=np.arange(50),
        comment_r1="x", comment_r2="y",
    ))).sort_values("variable", key=lambda names: names.map({"margin": 0, "age": 1, "likelihood": 2})).to_dict(
        "records")  # fmt: skip
    assert margin["kappa"] == pytest.approx(0.4)  # Wikipedia's worked example of Cohen's kappa: 20, 5, 10, 15
    assert np.isnan(margin["icc"])
    assert age["icc"] == pytest.approx(icc(ages).value)
    assert (age["icc_low"], age["icc_high"]) == pytest.approx(icc(ages).ci)
    assert (age["n"], np.isnan(age["kappa"])) == (50, True)
    assert likelihood["icc"] == pytest.approx(1)


def test_only_lesions_of_the_study_that_both_could_judge_count(synthetic):
    pairs = [*PAIRS, ("not assessable", "rough"), ("", "rough")]
    answers = pd.DataFrame(answered(pairs))
    stranger = pd.DataFrame([{"patient": "Z9", "lesion": 1, "margin_r1": "rough", "margin_r2": "smooth"}])
    (row,) = kappa_table(room_run(synthetic(), pd.concat([answers, stranger]))).to_dict("records")
    assert (row["n"], row["kappa"]) == (50, pytest.approx(0.4))


def test_what_the_study_file_names_comes_first_and_once_and_may_name_the_rooms_columns(synthetic):
    more = NAMED.replace("margin_1, margin_2", "margin_r1, margin_r2").replace("]}", "], weights: linear}")
    (row,) = kappa_table(room_run(synthetic(), answered(), more)).to_dict("records")
    assert (row["weights"], row["kappa"]) == ("linear", pytest.approx(0.4))


def test_one_reader_alone_gives_no_row_and_values_that_cannot_be_are_named(synthetic):
    alone = {name: values for name, values in answered().items() if name != "margin_r2"}
    assert kappa_table(room_run(synthetic("alone"), alone)).empty
    with pytest.raises(CohortError, match=r"answers\.csv, margin.*\n.*bumpy"):
        kappa_table(room_run(synthetic("bumpy"), answered([("bumpy", "rough"), *PAIRS])))
    wrong = answered(age_r1=["old"] + [1] * 49, age_r2=1)
    with pytest.raises(CohortError, match=r"answers\.csv, age.*\n.*old"):
        kappa_table(room_run(synthetic("old"), wrong))


def test_a_study_without_the_file_has_the_key_it_always_had_and_new_answers_are_computed_again(synthetic):
    made = synthetic()
    done = made.run()  # no reading room
    record = read_json(done.path("agree", "provenance.json"))
    assert set(record["inputs"]) == {"extract"}
    (made.out / "reading").mkdir()
    pd.DataFrame(answered()).to_csv(made.out / "reading" / "answers.csv", index=False)
    do_agree(done)
    again = read_json(done.path("agree", "provenance.json"))
    assert set(again["inputs"]) == {"extract", "answers"}
    assert again["key"] != record["key"]
    assert pd.read_csv(done.path("agree", "kappa.csv"))["variable"].tolist() == ["margin"]
