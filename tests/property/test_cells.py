"""Texts of tables: whatever they are, none is a formula in a CSV, and each comes back."""

import csv
import io

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from radstudy.cells import guarded, is_formula, unguarded
from radstudy.store import csv_bytes

TEXTS = st.one_of(
    st.text(),
    st.text(alphabet="'=+-@ \t\r\n\uff1d12.,e%ax"),
    st.builds(
        lambda quotes, rest: "'" * quotes + rest, st.integers(0, 3), st.sampled_from(["=1", "-1", "-", "@a", "x"])
    ),
)


@given(TEXTS)
def test_a_text_comes_back_and_is_no_formula_meanwhile(text):
    assert unguarded(guarded(text)) == text
    assert unguarded(text) == text or text.startswith("'")
    assert not is_formula(guarded(text)) or guarded(text).startswith("'")


@given(st.lists(TEXTS.filter(lambda text: ("\0" not in text and text.isprintable()) or "\r" in text), min_size=1))
def test_a_table_of_any_texts_has_as_many_rows(texts):
    written = csv_bytes(pd.DataFrame({"a": texts, "b": range(len(texts))})).decode("utf-8", "surrogatepass")
    rows = list(csv.reader(io.StringIO(written, newline="")))
    assert [[unguarded(cell), number] for cell, number in rows[1:]] == [[t, str(n)] for n, t in enumerate(texts)]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_never_touched(value):
    assert guarded(repr(value)) == repr(value)
