import hashlib
import hmac
import json
import pickle
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stream_app.models import snapshot
from stream_app.models.learning import ClassificationModel, Example
from stream_app.models.online.refit import RefitClassifier
from stream_app.models.snapshot import MAGIC, Refusal, SnapshotRefused
from stream_app.models.spec import ClassificationSpec

KEY = b"a key of the deployment"
AT = datetime(2024, 5, 1, 12, tzinfo=UTC)


def make(seed):
    return RefitClassifier(ranking_rounds=4, first=20, breadths=(1, 2), trees_each=3, seed=seed)


SPEC = ClassificationSpec(
    name="tier",
    version=3,
    label_rule="given",
    learners={"forest": make},
    features=("a", "b"),
    minimum_examples=30,
)


@pytest.fixture(scope="module")
def model():
    model = ClassificationModel(SPEC)
    model.learn_many([Example({"a": n % 7, "b": n % 3}, int(n % 7 > 3)) for n in range(50)])
    return model


@pytest.fixture(scope="module")
def data(model):
    return snapshot.dump(model, KEY, training_offset=812, created_at=AT)


def refusal(data, key=KEY):
    with pytest.raises(SnapshotRefused) as refused:
        snapshot.load(data, key)
    return refused.value.reason


def rewritten(data, key=KEY, payload=None, **changes):
    """The snapshot with another header or payload, signed anew."""
    start = len(MAGIC) + 4
    end = start + int.from_bytes(data[len(MAGIC) : start], "big")
    header = json.dumps(json.loads(data[start:end]) | changes).encode()
    payload = data[end + 32 :] if payload is None else payload
    head = MAGIC + len(header).to_bytes(4, "big") + header
    return head + hmac.digest(key, head + payload, "sha256") + payload


def test_a_loaded_model_answers_the_same(model, data):
    loaded, header = snapshot.load(data, KEY)
    xs = [{"a": a, "b": b} for a in range(7) for b in range(3)]
    assert loaded.predict_many(xs) == model.predict_many(xs)
    assert loaded.scores() == model.scores()
    assert header == snapshot.read_header(data)


def test_the_header_says_what_is_in_it(data):
    header = snapshot.read_header(data)
    assert (header.format_version, header.model, header.model_version) == (4, "tier", 3)
    assert (header.examples_seen, header.training_offset, header.created_at) == (50, 812, AT)
    assert header.features == ["a", "b"]
    assert set(header.libraries) == {"python", "numpy", "river", "scikit-learn"}


def test_another_key_is_refused(data):
    assert refusal(data, b"another key") is Refusal.SIGNATURE


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format_version": 1}, Refusal.FORMAT_VERSION),
        ({"checksum": "0" * 64}, Refusal.CHECKSUM),
        ({"libraries": {"river": "0.1"}}, Refusal.LIBRARY_VERSIONS),
        ({"examples_seen": "many"}, Refusal.HEADER),
    ],
    ids=str,
)
def test_what_the_header_rules_out_is_refused_even_when_signed(data, change, reason):
    assert refusal(rewritten(data, **change)) is reason


def test_an_edited_header_is_refused(data):
    assert refusal(data.replace(b'"training_offset":812', b'"training_offset":912')) is Refusal.SIGNATURE


def test_every_damaged_byte_is_refused(data):
    places = [*range(0, 700), *range(700, len(data), max(1, len(data) // 200))]
    for place in places:
        damaged = bytearray(data)
        damaged[place] ^= 0x10
        with pytest.raises(SnapshotRefused):
            snapshot.load(bytes(damaged), KEY)


def test_every_truncation_is_refused(data):
    for size in [*range(0, 700), len(data) - 1]:
        with pytest.raises(SnapshotRefused):
            snapshot.load(data[:size], KEY)


class Touch:
    """Unpickled, it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (Path(self.path),)


def test_nothing_is_unpickled_before_the_signature_is_verified(data, tmp_path):
    mark = tmp_path / "unpickled"
    payload = zlib.compress(pickle.dumps(Touch(str(mark))))
    forged = rewritten(data, b"guess", payload, checksum=hashlib.sha256(payload).hexdigest())
    assert refusal(forged) is Refusal.SIGNATURE
    assert not mark.exists()
    trusted = rewritten(data, KEY, payload, checksum=hashlib.sha256(payload).hexdigest())
    snapshot.load(trusted, KEY)
    assert mark.exists()
