"""The cohort table, its exclusions and split, the clinical variables, and each lesion's files.

`manifest.py` reads as the order of work: the table (`spreadsheet.py`), each row's patient and outcome (`rows.py`),
clinical variables (`codebook.py`), training and testing sets (`split.py`), then each lesion's files (`case_files.py`)
or, in a study without images, its row of features (`feature_table.py`). `doubled.py` finds one content in two places.
`of_import.py` and `outcomes.py` read what `radstudy init --from` makes a study of (`steps/start.py`).
"""
