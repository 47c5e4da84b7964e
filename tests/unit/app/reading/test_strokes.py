from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from radstudy.app.reading import strokes
from radstudy.app.reading.strokes import (
    CODES,
    DrawingGrid,
    StrokeError,
    apply_runs,
    checked_runs,
    checked_tool,
    codes_of,
    difference,
    fold,
    mask_of,
    packed,
    runs_of,
    undoing,
    unpacked,
    voxels_per_tool,
)

SIZE = 60
masks = hnp.arrays(np.uint8, SIZE, elements=st.integers(0, 11))
sequences_of_masks = st.lists(masks, min_size=1, max_size=8)


def one_by_one(codes, runs):
    """The contract's own words: state[start:start+length] = code."""
    state = list(codes)
    for start, length, code in runs:
        state[start : start + length] = [code] * length
    return state


@given(masks)
def test_the_runs_of_a_mask_give_it_again(codes):
    runs = checked_runs(runs_of(codes).tolist(), SIZE)
    assert fold(SIZE, [runs]).tolist() == codes.tolist() == one_by_one([0] * SIZE, runs.tolist())


@given(masks, masks)
def test_a_difference_makes_one_mask_of_the_other_and_touches_nothing_else(before, after):
    runs = checked_runs(difference(before, after).tolist(), SIZE)
    assert one_by_one(before, runs.tolist()) == after.tolist()
    assert int(runs[:, 1].sum()) == int((before != after).sum())


@given(sequences_of_masks)
def test_undo_and_redo_over_everything(states):
    history = [strokes.empty(SIZE), *states]
    done = [difference(a, b) for a, b in pairwise(history)]
    undo = [undoing(a, runs) for a, runs in zip(history, done, strict=False)]
    codes = fold(SIZE, done)
    for back, before in zip(reversed(undo), reversed(history[:-1]), strict=True):
        assert apply_runs(codes, back).tolist() == before.tolist()
    for again, after in zip(done, history[1:], strict=True):
        assert apply_runs(codes, again).tolist() == after.tolist()


@given(sequences_of_masks, st.integers(0, 8))
def test_a_snapshot_stands_for_the_strokes_before_it(states, at):
    history = [strokes.empty(SIZE), *states]
    done = [difference(a, b) for a, b in pairwise(history)]
    at = min(at, len(done))
    snapshot = unpacked(packed(runs_of(fold(SIZE, done[:at]))))
    assert fold(SIZE, done[at:], snapshot).tolist() == states[-1].tolist()


@given(masks, masks)
def test_many_runs_are_applied_as_few_are(before, after):
    runs = difference(before, after)
    few = apply_runs(before.copy(), runs)
    kept, strokes._FEW = strokes._FEW, -1
    try:
        many = apply_runs(before.copy(), runs)
    finally:
        strokes._FEW = kept
    assert few.tolist() == many.tolist() == after.tolist()


@given(masks)
def test_what_is_packed_is_unpacked(codes):
    runs = runs_of(codes)
    assert unpacked(packed(runs)).tolist() == runs.tolist()


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(-2, 12), st.integers(-1, 12), st.integers(-1, 13)), max_size=4))
def test_runs_pass_where_each_lies_in_the_grid_after_the_one_before(runs):
    fine, free = True, 0
    for start, length, code in runs:
        fine &= start >= free and length >= 1 and start + length <= 10 and 0 <= code <= 11
        free = start + length
    if fine:
        assert checked_runs(runs, 10).tolist() == [list(run) for run in runs]
    else:
        with pytest.raises(StrokeError):
            checked_runs(runs, 10)


@pytest.mark.parametrize(
    ("runs", "says"),
    [
        ([[0, 1]], "three whole numbers"),
        ([[0.5, 1, 1]], "three whole numbers"),
        ([[0, 1, True], [1, 2]], "three whole numbers"),
        ([["0", "1", "1"]], "three whole numbers"),
        ([[2**70, 1, 1]], "three whole numbers"),
        ([[2**63, 1, 1]], "three whole numbers"),
        ([[2**62, 2**62, 1]], "run 0 of the stroke lies outside 0 to 10"),
        ([[0, 2, 1], [1, 1, 2]], r"run 1 .* begins before .* \[1, 1, 2\]"),
        ([[8, 3, 1]], "lies outside 0 to 10"),
        ([[0, 1, 12]], "code that is not 0 to 11"),
        (np.zeros((strokes.MOST_RUNS + 1, 3), int), "2,000,001 runs"),
    ],
)
def test_runs_that_cannot_be_are_refused_with_the_reason(runs, says):
    with pytest.raises(StrokeError, match=says):
        checked_runs(runs, 10)


@pytest.mark.parametrize(
    ("tool", "code", "off", "says"),
    [
        ("pen", 1, (), "no tool 'pen'"),
        ("contour", 3, (), "'contour' writes voxels of brush"),
        ("eraser", 3, (), "'eraser' writes voxels of brush"),
        ("growing", 6, ("growing",), "'growing' is switched off"),
        ("undo", 6, ("growing",), "'growing' is switched off"),
        ("grow", 0, ("growing",), "'growing' is switched off"),
    ],
)
def test_a_tool_writes_its_own_voxels_only(tool, code, off, says):
    with pytest.raises(StrokeError, match=says):
        checked_tool(tool, checked_runs([[0, 1, code]], 10), off)


@pytest.mark.parametrize("tool", strokes.TOOL_CODES)
def test_every_tool_may_write_its_code_and_take_away(tool):
    code = strokes.TOOL_CODES[tool] or 0
    checked_tool(tool, checked_runs([[0, 1, 0], [1, 1, code]], 10))


def test_the_codes_are_the_contracts():
    assert CODES == {
        "contour": 1, "polygon": 2, "brush": 3, "sphere": 4, "range": 5, "growing": 6, "interpolation": 7,
        "smoothing": 8, "islands_holes": 9, "carried": 10, "taken_in": 11,
    }  # fmt: skip


def test_the_first_axis_runs_fastest():
    grid = DrawingGrid((2, 3, 4), "grid")
    i, j, k = 1, 2, 3
    codes = fold(grid.size, [checked_runs([[i + 2 * (j + 3 * k), 1, 5]], grid.size)])
    mask = mask_of(codes, grid)
    assert np.argwhere(mask).tolist() == [[i, j, k]]
    assert codes_of(mask, 5).tolist() == codes.tolist()
    assert voxels_per_tool(codes) == {"range": 1}
