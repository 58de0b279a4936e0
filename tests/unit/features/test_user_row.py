import msgspec
import pytest

from stream_app.features.user_row import ROW_VERSION, Kind, RowVersionError, UserRow, decode_row, encode_row


def test_a_row_of_another_version_is_refused() -> None:
    stored = encode_row(UserRow(version=ROW_VERSION + 1))
    with pytest.raises(RowVersionError, match=f"version {ROW_VERSION + 1}"):
        decode_row(stored)


def test_fields_that_an_older_row_lacks_have_their_defaults() -> None:
    fields = msgspec.msgpack.decode(encode_row(UserRow(tier=2, recommended_item="item")))
    older = msgspec.msgpack.encode(fields[: UserRow.__struct_fields__.index("recommended_item")])
    assert decode_row(older) == UserRow(tier=2)


@pytest.mark.parametrize("data", [b"", b"\x00", b"{}", encode_row(UserRow())[:-3]])
def test_other_bytes_are_no_row(data: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_row(data)


def test_rows_share_nothing() -> None:
    first, second = UserRow(), UserRow()
    first.kinds["page"] = Kind(1, 0.0)
    first.tiles[0][0] = [1]
    first.interests.facets[0]["shoes"] = 1.0
    first.funnel.cart.append("item")
    first.session_gaps.add(1.0)
    first.activity.add(1.0, 1.0, 1.0)
    first.hours[0] = 1
    first.open_sessions.append(None)
    assert second == UserRow()
    assert second.open_sessions == []
