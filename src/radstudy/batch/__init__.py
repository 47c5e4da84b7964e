"""Features of many lesions without a study: from rows in memory, a table of files, or a folder.

`cases.py` says what a row is, `many.py` extracts rows of any number (`radstudy.extract_many`), `extractor.py` is the
same as a transformer of scikit-learn. `radstudy extract --batch` reads `table.py` or `patterns.py`; `run.py` does the
work, `results.py` keeps each result so that a killed batch goes on, `written.py` writes the table.
"""
