"""What is done with at first sight is no placeholder, whoever added which."""

from hypothesis import given
from hypothesis import strategies as st

from stream_app.settings.placeholder_ids import SHIPPED

ADDED = SHIPPED.changed(["Nemo", "ſtraße", "?"], ["unknown"])
KNOWN = sorted(SHIPPED.people | ADDED.people)
EDGES = " \t\"'`\u00a0\u200b\ufeff\0"
TEMPLATES = ("{{x}}", "${user}", "<%= id %>", "[[a]]", "%%ID%%", "#{id}")
letters = st.sampled_from([*EDGES, *"0-{}$<%[#ufnAGſKı", "\ufb00", "\u212a", "x"])


@st.composite
def near_placeholders(draw: st.DrawFn) -> str:
    """A placeholder in any case, with edges, now and then with another character."""
    text = draw(st.sampled_from([*KNOWN, *TEMPLATES, "0000-0000", "{0-0}", ""]))
    text = "".join(draw(st.sampled_from((one, one.upper(), one.swapcase()))) for one in text)
    edges = st.text(st.sampled_from(EDGES), max_size=2)
    text = draw(edges) + text + draw(edges)
    place = draw(st.integers(0, len(text)))
    return text[:place] + draw(st.sampled_from(["", "", draw(letters)])) + text[place:]


@given(near_placeholders() | st.text(letters, max_size=8) | st.text(max_size=40))
def test_what_is_done_with_at_first_sight_is_no_placeholder(text: str) -> None:
    for ids in (SHIPPED, ADDED):
        says = (ids.stands_for_nothing(text), ids.stands_for_no_item(text), ids.stands_for_nobody(text))
        assert ids.may_be_one(text) or not any(says)


def test_nearly_every_id_is_done_with_at_first_sight() -> None:
    usual = (
        "visitor-1042",
        "12.u0000024",
        "0.u0000012",
        "d86faa7a-ef63-25ac-7c92-1594e412c117",
        "p00099",
        "s00000001",
    )
    assert not any(map(SHIPPED.may_be_one, usual))
