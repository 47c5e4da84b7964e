"""What is kept of finished work comes back for its own key only."""

from radstudy.store import keep, kept, read_json


def test_a_record_comes_back_under_its_key_and_under_no_other(tmp_path):
    file = tmp_path / "volumes" / "1.json"
    assert kept(file, "a") is None
    written = keep(file, "a", {"lesions": [1, 2]}, compact=True)
    assert kept(file, "a") == written == {"key": "a", "lesions": [1, 2]}
    assert kept(file, "b") is None
    assert keep(file, "b", {"lesions": []}) == read_json(file) == kept(file, "b")
    assert kept(file, "a") is None
