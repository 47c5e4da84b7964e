"""Images, masks and forms with bytes that are not what they should be: each is answered, and none by a 5xx."""

import gzip
import random
import time

import pytest

from unit.app.prediction.conftest import multipart
from unit.app.prediction.test_service import clean


def changed(content, rng):
    """A file with a few other bytes, mostly in its header; packed again, so that it is read as far as possible."""
    raw = bytearray(gzip.decompress(content))
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(352) if rng.random() < 0.8 else rng.randrange(len(raw))
        raw[at] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)])
    if rng.random() < 0.2:
        raw = raw[: rng.randrange(1, len(raw))]
    return gzip.compress(bytes(raw), 1) if rng.random() < 0.8 else bytes(raw)


def mutated(service, files, seed):
    """One request with a mutation."""
    rng = random.Random(seed)
    sent, fields = files(2)
    if rng.random() < 0.15:  # of the form
        body, kind = multipart(sent, fields)
        body = bytearray(body)
        for _ in range(rng.randint(1, 8)):
            body[rng.randrange(min(len(body), 600))] = rng.randrange(256)
        return service.client.ask("POST", "/predict/images", bytes(body), Content_Type=kind)
    which = rng.randrange(len(sent))
    name, filename, content = sent[which]
    sent[which] = (name, filename, changed(content, rng))
    return service.client.images(sent, [*fields, ("outside_range", rng.choice(["true", "false"]))])


@pytest.mark.parametrize("seed", range(12))
def test_a_mutation_is_answered(images_service, files, seed):
    answer = mutated(images_service, files, seed)
    assert answer.status in (200, 400, 415, 422) and "bug-" not in answer.body.decode(), answer.body
    clean(answer)


@pytest.mark.long
def test_ten_minutes_of_mutations_are_answered(images_service, files):
    until, seed, problems = time.monotonic() + 600, 1_000, []
    while time.monotonic() < until:
        answer = mutated(images_service, files, seed)
        clean(answer)
        if answer.status not in (200, 400, 413, 415, 422) or b"bug-" in answer.body:
            problems.append((seed, answer.body))
        seed += 1
    assert problems == [] and seed > 1_100
    assert images_service.uploads == []
