import tomllib
from collections.abc import Callable
from importlib import resources

import jsonschema
import pytest

from stream_app.planning.campaign_text import CampaignError, read_campaign
from stream_app.planning.campaigns import Campaign
from stream_app.planning.content import MissingContentError, write
from stream_app.planning.segments import SEGMENTS

STARTER = resources.files("stream_app.planning").joinpath("data/starter.toml").read_text("utf-8")
SMALL = """\
version = 1
name = "small"

[[channels]]
name = "push"
quiet_hours = ["21:00", "08:00"]
caps = { per_day = 1, per_week = 3 }

[[types]]
name = "News"
channel = "push"
trigger = { kind = "schedule" }

[types.content.en]
title = "News"
text = "Hello {{ user.name }}"
"""


def test_the_starter_suits_every_segment_and_is_a_draft() -> None:
    campaign = read_campaign(STARTER)
    assert campaign.state == "draft"
    for segment in SEGMENTS:
        assert len([kind for kind in campaign.types if kind.is_marketing and kind.suits(segment)]) >= 3


def test_the_exported_schema_takes_what_the_reader_takes() -> None:
    jsonschema.validate(tomllib.loads(STARTER), Campaign.model_json_schema())
    jsonschema.validate(tomllib.loads(SMALL), Campaign.model_json_schema())


@pytest.mark.parametrize(
    ("change", "line", "says"),
    [
        (lambda text: text.replace('"21:00"', '"25:00"'), 6, "time of day"),
        (lambda text: text.replace("per_day = 1", "per_day = -1"), 7, "greater than or equal to 0"),
        (lambda text: text.replace("per_day", "per_dya"), 7, "per_dya"),
        (lambda text: text.replace('kind = "schedule"', 'kind = "sometimes"'), 12, "sometimes"),
        (
            lambda text: text.replace('channel = "push"', 'channel = "pusch"'),
            0,
            "'pusch', which is not declared",
        ),
        (lambda text: text.replace("{{ user.name }}", "{{ user.name"), 16, "no Liquid template"),
        (lambda text: text.replace('title = "News"\n', ""), 14, "title: Field required"),
        (lambda text: text.replace("version = 1", "version = 2"), 1, "Input should be 1"),
        (lambda text: text.replace("version = 1", "version = "), 0, "line 1"),
        (lambda text: text + '[types.content.de]\ntitle = ""\ntext = "x"\n', 18, "at least 1 character"),
        (lambda text: text.replace("types.content.en", "types.content.fr"), 0, "no content in 'en'"),
        (lambda text: text.replace("version = 1", 'version = 1\ndefault_time_zone = "Mars/Base"'), 2, "IANA"),
        (lambda text: text.replace('name = "News"', 'name = "News"\ncool_down = "2 days"'), 11, '"30m"'),
        (lambda text: text.replace('name = "News"', 'name = "News"\nvalid_for = "0d"'), 11, "greater than 0"),
        (lambda text: text.replace('name = "News"', 'name = "News"\nsegments = ["Rich"]'), 11, "Champions"),
    ],
)
def test_a_mistake_is_told_with_its_line(change: Callable[[str], str], line: int, says: str) -> None:
    with pytest.raises(CampaignError) as caught:
        read_campaign(change(SMALL))
    assert says in str(caught.value)
    if line:
        assert f"line {line}: " in str(caught.value)


def test_the_second_types_mistake_is_told_of_its_own_line() -> None:
    second = SMALL[SMALL.index("[[types]]") :].replace("News", "More").replace("title =", "titel =")
    with pytest.raises(CampaignError) as caught:
        read_campaign(SMALL + "\n" + second)
    assert "line 24: types.2.content.en.titel" in str(caught.value)


def test_texts_name_items_and_leave_the_receivers_tags_alone() -> None:
    campaign = read_campaign(STARTER)
    news = write(campaign, campaign.by_name["Newsletters"], "de-AT", [])
    assert "{{ user.name }}" in news.text
    cart = write(campaign, campaign.by_name["Cart Recovery Prompts"], "en", [{"name": "A lamp"}])
    assert cart.text.startswith("A lamp ")


@pytest.mark.parametrize("text", ["{{ items[0].name }}", "{{ items[1].price }}", "{{ shop.name }}"])
def test_a_text_that_lacks_what_it_names_says_what(text: str) -> None:
    campaign = read_campaign(SMALL.replace("Hello {{ user.name }}", text))
    with pytest.raises(MissingContentError):
        write(campaign, campaign.types[0], "en", [])


def test_the_users_language_is_taken_where_there_is_one() -> None:
    campaign = read_campaign(SMALL + '[types.content.pt]\ntitle = "Olá"\ntext = "Tudo bem"\n')
    kind = campaign.types[0]
    assert [write(campaign, kind, asked, []).language for asked in ("pt-BR", "pt", "fr", "")] == [
        "pt",
        "pt",
        "en",
        "en",
    ]
