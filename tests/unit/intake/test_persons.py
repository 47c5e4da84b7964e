"""PatientIDs that name nobody, and one person under two PatientIDs: never merged, never passed over."""

import json
import re

import pytest

from radstudy.intake.run import describe
from radstudy.store import read_json

NOBODIES = ["ANONYMOUS", "anonymized", "Unknown", "0", "000000", "匿名"]


def three(synthetic, patient, people):
    return [
        synthetic.t2(patient=patient, name=name, birth=birth, study=f"s{n}", number=3 + n, uid=f"u{n}")
        for n, (name, birth) in enumerate(people)
    ]


PEOPLE = {
    "three names": [("DOE^JANE", "19500101"), ("ROE^MARY", "19600202"), ("POE^ANN", "19700303")],
    "no names": [("", "")] * 3,
    "the same for all": [("ANONYMOUS", "19000101")] * 3,
}


@pytest.mark.parametrize("people", PEOPLE)
@pytest.mark.parametrize("identifier", NOBODIES)
def test_examinations_of_nobody_are_patients_of_their_own(synthetic, imported, tmp_path, identifier, people):
    synthetic.write(tmp_path / "in", *three(synthetic, identifier, PEOPLE[people]))
    outcome = imported(tmp_path / "in")
    assert outcome.failures == ()
    assert len({plan.name for plan in outcome.plans}) == 3
    assert len(list((tmp_path / "out").glob("*/T2WI.nii.gz"))) == 3
    printed = describe(outcome)
    assert "3 examination(s) have no PatientID that identifies a person" in printed
    assert "--examination" not in printed  # which would be an offer to merge them
    found = read_json(tmp_path / "out" / "identities.json")
    assert sorted(found["without_patient_id"]) == sorted(plan.name for plan in outcome.plans)


def test_a_numbered_identifier_of_an_anonymised_collection_is_one_patient(synthetic, imported, tmp_path):
    synthetic.write(tmp_path / "in", *three(synthetic, "ANON0017", PEOPLE["the same for all"]))
    outcome = imported(tmp_path / "in")
    assert len(outcome.plans) == 1
    assert "--examination first or last" in describe(outcome)


SPELLINGS = [
    ("MUSTERMANN^ERIKA", "Mustermann^Erika^^Dr."),
    ("Müller^Änne", "MULLER^ANNE"),
    ("ZHANG^WEI=张^伟", "Zhang^Wei"),
]


@pytest.mark.parametrize("names", SPELLINGS)
def test_one_woman_under_two_patient_ids_is_named(synthetic, imported, tmp_path, names):
    synthetic.write(
        tmp_path / "in",
        synthetic.t2(patient="HOSP-1", name=names[0]),
        synthetic.t2(patient="CLINIC-2", name=names[1], number=4),
        synthetic.t2(patient="HOSP-3", name="DOE^JANE", birth="19700101", number=5),
    )
    outcome = imported(tmp_path / "in")
    pair = sorted(p.name for p in outcome.plans if p.patient.identifier[0] in ("HOSP-1", "CLINIC-2"))
    printed = describe(outcome)
    assert f"patients {pair[0]} and {pair[1]} have the same name and birth date" in printed
    written = (tmp_path / "out" / "identities.json").read_text("utf-8")
    found = json.loads(written)
    assert found["same_person"] == [pair]
    assert len(found["patients"]) == len(found["compared"]) == 3
    assert not any(word in (written + printed).upper() for word in ("MUSTERMANN", "ZHANG", "HOSP-1", "19560704"))
    assert not re.search(r"(?<![0-9a-f])1956(?![0-9a-f])", written + printed)  # but it may stand within a pseudonym


def test_one_woman_in_two_imports_is_named_at_the_second(synthetic, imported, tmp_path):
    synthetic.write(tmp_path / "a", synthetic.t2(patient="HOSP-1"))
    synthetic.write(tmp_path / "b", synthetic.t2(patient="CLINIC-2", number=4))
    assert "same name" not in describe(imported(tmp_path / "a"))
    assert "have the same name and birth date under two PatientIDs" in describe(imported(tmp_path / "b"))
    assert len(read_json(tmp_path / "out" / "identities.json")["same_person"]) == 1


def test_where_names_or_birth_dates_are_gone_nothing_is_claimed(synthetic, imported, tmp_path):
    synthetic.write(
        tmp_path / "in",
        synthetic.t2(patient="A1", name="", birth=""),
        synthetic.t2(patient="A2", name="ANONYMOUS", birth="19000101", number=4),
        synthetic.t2(patient="A3", name="ANONYMOUS", birth="19000101", number=5),
        synthetic.t2(patient="A4", name="DOE^JANE", birth="", number=6),
    )
    outcome = imported(tmp_path / "in")
    assert "same name" not in describe(outcome)
    found = read_json(tmp_path / "out" / "identities.json")
    assert found["compared"] == []
    assert len(found["patients"]) == 4
