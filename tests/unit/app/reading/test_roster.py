import datetime
import random
from collections import Counter
from itertools import permutations

import pytest
from scipy import stats

from radstudy.app.reading import roster
from radstudy.app.reading.roster import State, doubly_drawn, readers_of, roster_of, worklist_of
from radstudy.protocol.reading import ReadingSection

LESIONS = [(f"P{number:03d}", "1") for number in range(50)] + [("P007", "2")]
READERS = ("anna", "ben", "cleo")
DAY = datetime.date(2026, 3, 1)


def reading(**settings):
    return ReadingSection.model_validate({"practice": 1, "wash_out_days": 10, **settings})


def build(lesions=LESIONS, readers=READERS, seed=5, kept=(), **settings):
    return roster_of(lesions, readers=readers, reading=reading(**settings), seed=seed, kept=kept)


def order(every, reader, task="masks", repeat=False):
    own = [one for one in every if (one.reader, one.task, one.repeat) == (reader, task, repeat) and not one.practice]
    return [(one.patient, one.lesion) for one in sorted(own, key=lambda one: one.place)]


def test_every_reader_has_every_lesion_once_in_an_order_of_his_own():
    every = build()
    orders = [order(every, reader, task) for reader in READERS for task in ("masks", "characteristics")]
    assert all(sorted(one) == sorted(LESIONS) for one in orders)
    assert len({tuple(one) for one in orders}) == 6
    for one, other in [(orders[0], orders[2]), (orders[0], orders[1]), (orders[0], sorted(LESIONS))]:
        rank = [other.index(lesion) for lesion in one]
        assert abs(stats.spearmanr(range(len(rank)), rank).statistic) < 0.45  # p = 0.001 of no association, n = 51


def test_every_order_is_as_likely_as_any_other():
    few = [("a", "1"), ("b", "1"), ("c", "1")]
    seen = Counter(tuple(order(build(few, ("anna",), seed), "anna")) for seed in range(1200))
    assert len(seen) == len(list(permutations(few)))
    assert stats.chisquare(list(seen.values())).pvalue > 0.001


def test_nothing_depends_on_the_order_of_the_table():
    shuffled = random.Random(0).sample(LESIONS, len(LESIONS))
    assert build(shuffled, repeats={"share": 0.1, "after_days": 3}) == build(
        LESIONS, repeats={"share": 0.1, "after_days": 3}
    )


def test_another_patient_or_reader_changes_nobody_elses_order_and_pseudonyms():
    before, after = build(), build([*LESIONS, ("NEW", "1")], (*READERS, "dora"))
    names = {one.key: one.id for one in after}
    assert all(names[one.key] == one.id for one in before)
    for reader in READERS:
        assert [lesion for lesion in order(after, reader) if lesion[0] != "NEW"] == order(before, reader)


def test_another_seed_gives_other_orders_and_pseudonyms():
    assert order(build(), "anna") != order(build(seed=6), "anna")
    assert len({one.id for one in build()} & {one.id for one in build(seed=6)}) < 5  # of 300 by accident


def test_pseudonyms_are_unique_and_have_nothing_in_common():
    every = build([(f"P{number}", "1") for number in range(600)], repeats={"share": 0.5, "after_days": 3})
    assert len({one.id for one in every}) == len(every) > 5000
    assert {one.id[:2] for one in every if one.task == "masks"} == {"M-"}
    of_one = [one.id[2:] for one in every if one.patient == "P1"]
    assert len(set(of_one)) == len(of_one) >= 6


def test_a_collision_is_drawn_again(monkeypatch):
    monkeypatch.setattr(roster, "_LETTERS", "23")  # 16 names a task, more are wanted
    every = build(LESIONS[:12])
    assert len({one.id for one in every}) == len(every) > 75


def test_kept_pseudonyms_stay_and_are_not_given_again():
    old = [
        roster.Assignment("M-OLD2", *build()[3].key[:4], 3),
        roster.Assignment("M-GONE", "zoe", "masks", "X", "1", 0),
    ]
    every = build(kept=old)
    assert next(one.id for one in every if one.key == old[0].key) == "M-OLD2"
    assert "M-GONE" not in {one.id for one in every}


def test_readers_after_the_first_draw_the_same_seeded_patients_with_all_their_lesions():
    every = build(second=7)
    drawn = [{patient for patient, _ in order(every, reader)} for reader in READERS]
    assert [len(patients) for patients in drawn] == [50, 7, 7]
    assert drawn[1] == drawn[2] == doubly_drawn(LESIONS, reading(second=7), 5)
    assert len({doubly_drawn(LESIONS, reading(second=7), seed) for seed in range(5)}) == 5
    assert len(order(every, "ben", "characteristics")) == 51  # all of them assess all
    seven = next(seed for seed in range(99) if "P007" in doubly_drawn(LESIONS, reading(second=7), seed))
    assert {("P007", "1"), ("P007", "2")} <= set(order(build(second=7, seed=seven), "ben"))


def test_every_patient_is_as_likely_to_be_doubly_drawn():
    counts = Counter(name for seed in range(400) for name in doubly_drawn(LESIONS[:10], reading(second=3), seed))
    assert stats.chisquare([counts[patient] for patient, _ in LESIONS[:10]]).pvalue > 0.001


def test_repeats_are_a_share_at_the_end_under_new_pseudonyms_and_another_order():
    every = build(repeats={"share": 0.10, "after_days": 3})
    for reader in READERS:
        own = sorted((one for one in every if one.reader == reader and one.task == "masks"), key=lambda one: one.place)
        flags = [(one.practice, one.repeat) for one in own]
        again = order(every, reader, repeat=True)
        assert flags == [(True, False)] + [(False, False)] * 51 + [(False, True)] * len(again)
        assert len({patient for patient, _ in again}) == 5
    assert order(every, "anna", repeat=True) != order(every, "ben", repeat=True)
    assert [len(order(build(LESIONS[:3], repeats={"share": 0.10, "after_days": 3}), "anna", repeat=True))] == [1]


def test_an_arbiter_has_no_practice_and_no_repeats():
    settings = {"characteristics": {"arbiter": "dora"}, "repeats": {"share": 0.5, "after_days": 2}}
    every = build(**settings)
    assert readers_of("arbitration", READERS, reading(**settings)) == ("dora",)
    own = [one for one in every if one.task == "arbitration"]
    assert {one.reader for one in own} == {"dora"}
    assert len(own) == len(LESIONS)
    assert not any(one.practice or one.repeat for one in own)


# --- when a reader meets a patient again ---------------------------------------------------------------------------


def list_of(every, states, task, today=DAY, left_out=(), **settings):
    full = {one.id: states.get(one.id, State()) for one in every}
    return worklist_of(every, full, task=task, reading=reading(**settings), today=today, left_out=left_out)


@pytest.fixture
def two():
    """Two patients, one of them with two lesions, one reader, every task."""
    lesions = [("A", "1"), ("A", "2"), ("B", "1")]
    return build(lesions, ("anna",), repeats={"share": 1 - 1e-9, "after_days": 15}, practice=1)


def one(every, task, patient, lesion="1", repeat=False):
    return next(a for a in every if a.key == ("anna", task, patient, lesion, patient[:1] == "p", repeat))


def ids(listed):
    return [entry.id for entry in listed.entries]


def test_practice_comes_first_and_repeats_wait_for_their_first_reading(two):
    listed = list_of(two, {}, "masks", repeats={"share": 0.9, "after_days": 15})
    assert [entry.practice for entry in listed.entries] == [True, False, False, False]
    assert listed.next == one(two, "masks", "practice 1").id
    assert listed.later == ((None, 3),)


@pytest.mark.parametrize("status", ["open", "skipped"])
def test_a_patient_seen_in_one_task_waits_in_the_other_until_it_is_closed(two, status):
    states = {one(two, "masks", "A").id: State(status, seen=True)}
    assert not {one(two, "characteristics", "A").id, one(two, "characteristics", "A", "2").id} & set(
        ids(list_of(two, states, "characteristics"))
    )
    assert one(two, "characteristics", "B").id in ids(list_of(two, states, "characteristics"))
    assert one(two, "masks", "A", "2").id in ids(list_of(two, states, "masks"))  # of the same task


def test_the_wash_out_ends_on_its_day_and_not_before(two):
    states = {one(two, "masks", "A").id: State("closed", seen=True, closed=DAY)}
    other = one(two, "characteristics", "A").id
    for days, there in ((0, False), (9, False), (10, True), (400, True)):
        listed = list_of(two, states, "characteristics", DAY + datetime.timedelta(days))
        assert (other in ids(listed)) == there
        assert ((DAY + datetime.timedelta(10), 2) in listed.later) == (not there)


def test_a_repeat_is_due_so_many_days_after_its_own_first_reading(two):
    settings = {"repeats": {"share": 0.9, "after_days": 15}}
    states = {one(two, "masks", "B").id: State("closed", seen=True, closed=DAY)}
    again = one(two, "masks", "B", repeat=True).id
    assert again not in ids(list_of(two, states, "masks", DAY + datetime.timedelta(14), **settings))
    assert again in ids(list_of(two, states, "masks", DAY + datetime.timedelta(15), **settings))
    longer = {**settings, "wash_out_days": 20}
    assert again not in ids(list_of(two, states, "masks", DAY + datetime.timedelta(15), **longer))


def test_what_was_opened_once_is_never_taken_away(two):
    first, other = one(two, "masks", "A").id, one(two, "characteristics", "A").id
    states = {first: State("open", seen=True), other: State("open", seen=True)}  # the first one reopened by the lead
    assert first in ids(list_of(two, states, "masks"))
    assert other in ids(list_of(two, states, "characteristics"))


def test_what_was_begun_is_next_and_what_was_skipped_comes_last(two):
    listed = list_of(two, {}, "masks")
    begun, skipped = listed.entries[2].id, listed.entries[0].id
    states = {begun: State("open", seen=True), skipped: State("skipped", seen=True, skips=1)}
    now = list_of(two, states, "masks")
    assert now.next == begun
    assert ids(now)[-1] == skipped
    done = {id_: State("closed", seen=True, closed=DAY) for id_ in ids(now)[:-1]}
    assert list_of(two, {**states, **done}, "masks").next == skipped


def test_what_is_left_out_is_not_even_counted(two):
    listed = list_of(two, {}, "masks", left_out=[("A", "1"), ("A", "2"), ("B", "1")])
    assert ids(listed) == [one(two, "masks", "practice 1").id]
    assert listed.later == ()
