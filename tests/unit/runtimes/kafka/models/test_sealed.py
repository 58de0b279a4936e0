import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_app.models.snapshot import Refusal, SnapshotRefused
from stream_app.runtimes.kafka.models.sealed import seal, unseal

KEY = b"a key for tests alone"


@given(st.binary(max_size=2_000), st.integers(-1, 10**12))
def test_what_is_sealed_comes_out_again(data: bytes, number: int) -> None:
    assert unseal(seal(data, "blend", number, KEY), "blend", number, KEY) == data


@given(st.data())
def test_what_was_changed_is_refused(data: st.DataObject) -> None:
    sealed = bytearray(seal(b"what was learned", "blend", 7, KEY))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= data.draw(st.integers(1, 255))
    cut = bytes(sealed[: data.draw(st.integers(0, len(sealed)))])
    for forged in (bytes(sealed), cut):
        with pytest.raises(SnapshotRefused) as refusal:
            unseal(forged, "blend", 7, KEY)
        assert refusal.value.reason is Refusal.SIGNATURE


@pytest.mark.parametrize(
    ("name", "number", "key"), [("other", 7, KEY), ("blend", 8, KEY), ("blend", 7, b"another key")]
)
def test_it_is_refused_as_anything_else_than_it_was_sealed_as(name: str, number: int, key: bytes) -> None:
    with pytest.raises(SnapshotRefused):
        unseal(seal(b"what was learned", "blend", 7, KEY), name, number, key)
