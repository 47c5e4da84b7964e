"""Differences between two runs, and their causes, in words: `radstudy diff`.

`finished.py` reads a run's folder; `causes.py` compares what each step depends on (settings, inputs, versions);
`results.py` compares patients, features, selections and AUCs; `words.py` says both.
"""

from radstudy.differences.words import Differences, compare_runs

__all__ = ["Differences", "compare_runs"]
