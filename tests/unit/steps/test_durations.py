"""Times from a run's journal."""

from radstudy.steps.durations import durations_of


def case(name, seconds, doing="prepare", **parts):
    peak = 100.0 + seconds if isinstance(seconds, float) else None
    return {"event": "case", "doing": doing, "case": name, "seconds": seconds, "parts": parts, "peak_mib": peak}


EVENTS = [
    {"event": "began", "version": "0.2"},
    case("A", 9.0, read=9.0),
    {"event": "step", "step": "prepare", "seconds": 99.0, "peak_mib": 1.0},
    case("A", 2.0, read=0.5, n4=1.0),
    case("B", 4.0, read=0.25, n4=3.0),
    case("", 50.0),
    case("C", "long"),
    case("A", 0.01, kept=0.0),
    case("B", 0.5, doing="extract", kept=0.0),
    {"event": "step", "step": "prepare", "seconds": 7.5, "peak_mib": None},
]


def test_the_last_time_of_each_case_counts_but_not_that_of_reading_what_was_kept():
    found = durations_of(EVENTS)
    assert found.as_json() == {
        "steps": {"prepare": {"seconds": 7.5, "peak_mib": None}},
        "work": {"prepare": {"cases": {"B": 4.0, "A": 2.0}, "peak_mib": 104.0,
                             "parts": {"n4": 4.0, "the rest": 1.25, "read": 0.75}}},
    }  # fmt: skip
    assert list(found.work[0].cases) == ["B", "A"] and next(iter(found.work[0].parts)) == "n4"


def test_the_text_names_the_slowest_and_says_how_many_there_are():
    text = durations_of([case(f"P{number}", float(number)) for number in range(1, 8)]).as_text()
    assert "prepare: 7 case(s), 28.0 s of processes in all, median 4.00 s, 107 MiB" in text
    assert "P7" in text and "P3" in text and "P2" not in text and "the slowest 5" in text
    assert "run.jsonl is not there" in durations_of([]).as_text()
