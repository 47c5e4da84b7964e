"""A signature of clinical variables alone, made without a study."""

from radstudy.modelling.models import LinearForm, Term
from radstudy.signature.document import Signature, with_vector


def clinical_signature(**changed):
    """Age and a level, with a test vector; anything may be changed."""
    form = LinearForm(
        -0.4,
        (
            Term("clinical:age", 54.0, 55.25, 9.5, 0.75, (31.0, 78.0)),
            Term("clinical:margin=rough", None, 0.0, 1.0, 1.3, (0.0, 1.0)),
        ),
    )
    given = {
        "study": "a study", "model": "clinical", "notice": "", "form": form, "cutoff": 0.5, "sequences": (),
        "outcome": {"positive": "1", "negative": "0", "label": "y"},
        "clinical": {"age": {"unit": "years"}, "margin": {"levels": ["smooth", "rough"]}},
        "prepare": (), "extract": {"from_feature_table": True},
        "training": {"lesions": 20, "patients": 20, "positive": 9, "rows_hash": "x"}, "versions": {"radstudy": "0"},
    }  # fmt: skip
    return with_vector(Signature(**{**given, **changed}))
