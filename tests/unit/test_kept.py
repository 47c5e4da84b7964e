"""No damage of a kept record goes unseen: every cut and every flipped bit."""

import json

import pytest

from radstudy.kept import DamagedRecordError, keep, kept, read_kept

RECORD = {"lesions": [{"patient": "P1", "values": {"a": 1.25, "b": None}}], "note": "größer als 3 µm"}


@pytest.mark.parametrize("compact", [True, False])
def test_every_flipped_bit_and_every_cut_is_seen(tmp_path, compact):
    file = tmp_path / "record.json"
    keep(file, "key", RECORD, compact=compact)
    whole = file.read_bytes()
    assert kept(file, "key") == {"key": "key", **RECORD}
    assert json.loads(whole)["lesions"] == RECORD["lesions"]
    for place in range(len(whole)):
        file.write_bytes(whole[:place])
        assert place == len(whole) - 1 or kept(file, "key") is None, place  # the last byte ends a line
        for bit in range(8):
            raw = bytearray(whole)
            raw[place] ^= 1 << bit
            file.write_bytes(raw)
            found = kept(file, "key")
            assert found is None or found == {"key": "key", **RECORD}, (place, bit)  # white space says nothing


def test_files_that_belong_to_a_record_are_verified_with_it(tmp_path):
    from radstudy.store import file_hash

    made = tmp_path / "picture.npz"
    made.write_bytes(b"picture")
    file = tmp_path / "record.json"
    keep(file, "key", {"made": {"picture.npz": file_hash(made)}})
    assert kept(file, "key", folder=tmp_path) is not None
    made.write_bytes(b"Picture")
    assert kept(file, "key", folder=tmp_path) is None
    made.unlink()
    assert kept(file, "key", folder=tmp_path) is None


def test_a_damaged_record_is_named_where_it_has_to_be_there(tmp_path):
    file = tmp_path / "record.json"
    keep(file, "key", RECORD)
    file.write_bytes(file.read_bytes()[:40])
    with pytest.raises(DamagedRecordError, match=r"record\.json cannot be read"):
        read_kept(file)
