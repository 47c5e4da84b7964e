"""The journal of a run: appended, rotated, and never the reason why a run ends."""

import json

from radstudy.journal import events_in, journal_in, record


def test_events_are_lines_of_json_with_their_time_and_are_appended(tmp_path):
    for run in (1, 2):
        with journal_in(tmp_path / "run.jsonl"):
            record("said", text=f"Größe ≥ {run}")
    record("said", text="nobody listens")
    lines = (tmp_path / "run.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["text"] for line in lines] == ["Größe ≥ 1", "Größe ≥ 2"]
    assert all(event["event"] == "said" and event["time"].endswith("+00:00") for event in events_in(tmp_path))


def test_a_full_journal_becomes_an_earlier_one_and_is_read_in_order(tmp_path):
    with journal_in(tmp_path / "run.jsonl", most_bytes=300):
        for number in range(12):
            record("case", number=number)
    assert (tmp_path / "run.jsonl.1").exists() and not (tmp_path / "run.jsonl.4").exists()
    numbers = [event["number"] for event in events_in(tmp_path)]
    assert numbers == sorted(numbers) and numbers[-1] == 11 and len(numbers) >= 4


def test_what_cannot_be_written_or_read_ends_nothing(tmp_path):
    (tmp_path / "run.jsonl").mkdir()
    with journal_in(tmp_path / "run.jsonl"):
        record("said", text="lost")
    (tmp_path / "run.jsonl").rmdir()
    (tmp_path / "run.jsonl").write_bytes(b'{"event": "case"}\n[1]\n\xff\n{"event": "cut o')
    assert list(events_in(tmp_path)) == [{"event": "case"}]
