"""The exported scripts give the signature's probabilities in R and in Python, and stop if the formula was changed."""

import csv
import io
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from radstudy.errors import RefusedError
from radstudy.modelling.models import LinearForm, Term
from radstudy.signature.scripts import python_script, r_script
from unit.signature.clinical import clinical_signature

R = shutil.which("Rscript")
LANGUAGES = [
    pytest.param(python_script, [sys.executable, "-I", "-S"], ".py", id="python"),
    pytest.param(r_script, [R, "--vanilla"], ".R", id="r", marks=pytest.mark.skipif(R is None, reason="needs R")),
]
every_language = pytest.mark.parametrize(("script", "command", "suffix"), LANGUAGES)


def done(folder, command, suffix, text, *arguments):
    file = folder / f"script{suffix}"
    file.write_text(text, encoding="utf-8")
    return subprocess.run([*command, file, *arguments], capture_output=True, text=True, check=False, cwd=folder)


def rows_of(output):
    return list(csv.DictReader(io.StringIO(output)))


@every_language
def test_the_script_gives_the_run_s_probabilities(small, signature, tmp_path, script, command, suffix):
    names = [term.name for term in signature.form.terms]
    rng = np.random.default_rng(1)
    design = pd.DataFrame({
        term.name: rng.uniform(*term.training_range, 6) if "=" not in term.name else rng.integers(0, 2, 6)
        for term in signature.form.terms
    })  # fmt: skip
    design.assign(patient=range(6)).to_csv(tmp_path / "p.csv", index=False)
    answer = done(tmp_path, command, suffix, script(signature), "p.csv")
    assert answer.returncode == 0, answer.stderr
    assert "gives the test vector's 2 probabilities" in answer.stderr
    printed = rows_of(answer.stdout)
    own = signature.form.probability(design)
    np.testing.assert_allclose([float(row["probability"]) for row in printed], own, rtol=0, atol=1e-14)
    assert [row["positive"] == "yes" for row in printed] == list(own >= signature.cutoff)
    assert {row["outside_training_range"] for row in printed} == {""}
    design[names[0]] = 1e6
    design.to_csv(tmp_path / "p.csv", index=False)
    assert (
        rows_of(done(tmp_path, command, suffix, script(signature), "p.csv").stdout)[0]["outside_training_range"]
        == (names[0])
    )


@every_language
def test_a_missing_value_takes_its_replacement_or_is_refused(tmp_path, script, command, suffix):
    signature = clinical_signature()
    (tmp_path / "p.csv").write_text("clinical:age,clinical:margin=rough\n,1\n", encoding="utf-8")
    answer = done(tmp_path, command, suffix, script(signature), "p.csv")
    expected = 1 / (1 + np.exp(-(-0.4 + 0.75 * (54 - 55.25) / 9.5 + 1.3)))
    assert float(rows_of(answer.stdout)[0]["probability"]) == pytest.approx(expected, abs=1e-15)
    (tmp_path / "p.csv").write_text("clinical:age,clinical:margin=rough\n50,\n", encoding="utf-8")
    answer = done(tmp_path, command, suffix, script(signature), "p.csv")
    assert answer.returncode != 0 and "clinical:margin=rough has no value" in answer.stderr
    (tmp_path / "p.csv").write_text("clinical:age\n50\n", encoding="utf-8")
    answer = done(tmp_path, command, suffix, script(signature), "p.csv")
    assert answer.returncode != 0 and "the table has no column clinical:margin=rough" in answer.stderr


@every_language
def test_a_script_with_another_coefficient_stops(tmp_path, script, command, suffix):
    text = script(clinical_signature())
    assert text.count("0.75") == 1
    answer = done(tmp_path, command, suffix, text.replace("0.75", "0.76"))
    assert answer.returncode != 0 and "FAILED: the formula gives" in answer.stderr


@every_language
def test_no_text_of_a_study_becomes_code(tmp_path, script, command, suffix):
    hostile = 'a"); quit(status = 9) #\nimport os; os._exit(9)\n'
    form = LinearForm(0.1, (Term(f"clinical:{hostile}", None, 0.0, 1.0, 1.0, (0.0, 1.0)),))
    signature = clinical_signature(
        form=form, study=hostile, notice=hostile, model=hostile, clinical={hostile: {}},
        outcome={"positive": hostile, "negative": None, "label": hostile},
    )  # fmt: skip
    answer = done(tmp_path, command, suffix, script(signature))
    assert answer.returncode == 0, answer.stderr


def test_a_signature_without_a_test_vector_is_not_exported():
    with pytest.raises(RefusedError, match="has no test vector"):
        python_script(replace(clinical_signature(), vector=None))
