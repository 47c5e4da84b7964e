"""The provenance bundle: one ZIP from which the study can be repeated on the same data, without the data.

`write.py` makes it at the end of a run, `read.py` reads it, and `data.py` compares a folder of data with the recorded
hashes. It holds no name of a patient: the files of the data are known by their role and the hash of their content.
"""

from radstudy.steps.bundle.data import DataHashes, data_hashes, refuse_other_data
from radstudy.steps.bundle.read import StudyBundle, read_bundle
from radstudy.steps.bundle.write import BUNDLE_FILE, write_bundle

__all__ = [
    "BUNDLE_FILE",
    "DataHashes",
    "StudyBundle",
    "data_hashes",
    "read_bundle",
    "refuse_other_data",
    "write_bundle",
]
