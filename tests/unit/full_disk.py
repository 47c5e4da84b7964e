"""A full disk without filling one."""

import resource
from contextlib import contextmanager

PAIR = ("--image", "i.nii.gz", "--mask", "m.nii.gz", "--settings", "p.yaml")
CALLS = {  # of every command that writes; the files are those of the fixture `lesion` of test_full_disk.py
    "extract.csv": ("extract", *PAIR, "--out", "out/a.csv"),
    "extract.json": ("extract", *PAIR, "--out", "out/a.json"),
    "extract.batch": ("extract", "--batch", "b.csv", "--settings", "p.yaml", "--jobs", "1", "--out", "out/a.parquet"),
    "map": ("map", *PAIR, "--feature", "original_firstorder_Mean", "--out", "out/a.nii.gz"),
    "convert": ("mask", "convert", "m.nii.gz", "out/a.nii", "--image", "i.nii.gz"),
    "convert.seg": ("mask", "convert", "m.nii.gz", "out/a.seg.nrrd", "--image", "i.nii.gz"),
    "derive": ("derive", "t.csv", "--recipe", "r.yaml", "--out", "out", "--jobs", "1"),
    "init": ("init", "out"),
    "run": ("run", "s.yaml", "--step", "cohort", "--jobs", "1", "--out", "out"),
    "validate": ("validate", "t2.json", "s.yaml", "--jobs", "1", "--out", "out"),
    "report": ("report", "s.yaml", "--pdf", "--jobs", "1", "--out", "out"),
    "import": ("import", "dicom", "--out", "out"),
    "read": ("read", "s.yaml", "--reader", "a", "--no-browser"),
    "app": ("app", ".", "--no-browser"),
    "predict": (
        "predict",
        "signature.json",
        "--clinical",
        "age=50",
        "--clinical",
        "margin=rough",
        "--html",
        "out/a.html",
    ),
    "serve": ("serve", "signature.json", "--no-browser", "--audit", "out/audit.jsonl"),
    "signature": ("signature", "export", "signature.json", "--python", "--out", "out/a.py"),
    "demo": ("demo", "--patients", "24", "--jobs", "1", "--out", "out"),
}


@contextmanager
def full_at(size):
    """Files cannot grow beyond `size` bytes: what a writer sees of a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
