"""Tables whose numbers remember their cells: only those that are still the file's."""

import pandas as pd

from radstudy.report.cited import cited_documents, cited_frame, counted, entries, plain_frame, source_of, tally
from radstudy.report.cited.expression import CellRange, Formula
from radstudy.report.cited.frames import keeping_rows

FRAME = pd.DataFrame({"model": ["a", "b", "a"], "set": ["testing", "testing", "training"], "auc": [0.5, 0.7, 0.9]})


def cited():
    return cited_frame(FRAME, "evaluate/table3.csv")


def test_a_row_remembers_its_place_however_it_was_found():
    frame = cited()
    expected = CellRange("evaluate/table3.csv", "2", "auc")
    chosen = frame[frame["model"] == "b"]
    assert source_of(chosen.iloc[0]["auc"]) == expected
    assert source_of(frame.sort_values("auc", ascending=False).iloc[1]["auc"]) == expected
    assert source_of(next(row for _, row in chosen.iterrows())["auc"]) == expected
    assert source_of(frame["auc"][frame["auc"].index[1]]) == expected
    assert source_of(frame["auc"][1]) == expected


def test_columns_remember_all_their_rows():
    part = cited()[FRAME["set"].to_numpy() == "testing"]
    assert source_of(part["auc"].max()) == Formula("largest", (CellRange("evaluate/table3.csv", "1-2", "auc"),))
    assert source_of(part["auc"].quantile(0.25)) == Formula(
        "quantile", (CellRange("evaluate/table3.csv", "1-2", "auc"), 0.25)
    )


def test_computed_renamed_and_changed_values_have_no_source():
    frame = cited()
    assert source_of((100 * frame["auc"]).max()) is None
    assert source_of(frame.rename(columns={"auc": "other"}).iloc[0]["other"]) is None
    assert source_of(frame.assign(auc=frame["auc"] + 1).iloc[0]["auc"]) is None
    assert source_of(frame.reset_index(drop=True).iloc[0]["auc"]) is None
    swapped = frame.rename(columns={"auc": "x"}).assign(auc=[0.9, 0.7, 0.5])
    assert source_of(swapped["auc"].min()) is None


def test_counts_remember_the_columns_that_decide_them():
    frame = cited()
    count = tally(frame, model="a", set="testing")
    cells = [CellRange("evaluate/table3.csv", "1-3", name) for name in ("model", "set")]
    assert count == 1
    assert source_of(count) == Formula("tally", (cells[0], "a", cells[1], "testing"))
    assert source_of(counted(frame, "model")) == Formula("rows", (cells[0],))
    assert tally(FRAME, model="a") == 2
    assert source_of(tally(FRAME, model="a")) is None


def test_rows_that_a_merge_kept_have_their_labels_again():
    frame = cited()
    merged = frame.merge(FRAME.iloc[[2]], on=["model", "set"])
    kept = keeping_rows(frame, merged, ["model", "set"])
    assert source_of(kept.iloc[0]["auc"]) == CellRange("evaluate/table3.csv", "3", "auc")


def test_documents_remember_their_paths():
    document = cited_documents({"a.json": {"x/y": {"n": 3}, "list": [{"v": 0.5}], "yes": True}})["a.json"]
    assert source_of(document["x/y"]["n"]) == CellRange("a.json", "/x~1y", "n")
    assert source_of(document["list"][0]["v"]) == CellRange("a.json", "/list/0", "v")
    assert document["yes"] is True
    assert source_of(entries(document["list"])) == Formula("entries", (CellRange("a.json", "/", "list"),))


def test_the_exported_table_is_that_of_the_file():
    frame = cited().assign(text=[f"{one:.1f}" for one in cited()["auc"].map(lambda value: value)])
    pd.testing.assert_frame_equal(plain_frame(cited()), FRAME)
    assert list(plain_frame(frame)["text"]) == ["0.5", "0.7", "0.9"]
