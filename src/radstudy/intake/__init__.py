"""DICOM, as a PACS sends it, to a cohort: series become roles, slices become volumes, names become pseudonyms.

In the order of work, from `run.py`: a source's headers (`sources.py`, `index.py`; a server is first pulled into the
private folder by `pull.py`, `dicomweb.py` and `dimse.py`, within the bounds of `limits.py`, each object checked by
`received.py`); series to volumes (`series.py`); their roles (`roles.py` by `roles.yaml`, phases of a dynamic scan by
`phases.py` and `dynamic.py`); file names and a reader's answers (`plan.py`); writing (`volumes.py`, `sidecar.py`) and
lists (`tables.py`). Pixels are read one volume at a time. `formats/dicom_*.py` know the standard and the vendors'
tags; this package knows roles and patients.

What may be missing: `damaged.py` (series that may lack the image of an unreadable file), `lacking.py` (volumes that
lack slices at their ends). What a reader decides: `review.py` asks, `answering.py` takes a page's answers,
`answered.py` applies them, `thumbnails.py` draws.

Segmentations and structure sets: `drawings.py` sets them aside (`beside.py` finds 3D Slicer's, which name no
patient), `readers.py` says who drew each, `placing.py` finds their volumes by keyed marks in the sidecars and by
position, `masks.py` writes the masks.
"""
