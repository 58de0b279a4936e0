import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_app.intake.cleaning.campaigns import (
    MAX_VALUE,
    NO_CAMPAIGN,
    Campaign,
    medium_of_campaign,
    name_campaign,
    read_campaign,
    source_of_click_id,
)

SHOP = "https://shop.example.com/"
CLICK_IDS = [
    "gclid",
    "gbraid",
    "wbraid",
    "dclid",
    "fbclid",
    "msclkid",
    "ttclid",
    "twclid",
    "li_fat_id",
    "mc_eid",
]
CLICK_IDS += ["yclid", "epik", "igshid", "srsltid", "_hsenc", "mkt_tok"]


def test_all_parts_in_lower_case():
    url = (
        SHOP + "?utm_source=Google&utm_medium=CPC&utm_campaign=Spring+Sale&utm_term=red%20shoes&utm_content=A"
    )
    assert read_campaign(url) == Campaign("google", "cpc", "spring sale", "red shoes", "a", "")


@pytest.mark.parametrize("kind", CLICK_IDS)
def test_only_the_kind_of_a_click_id_is_kept(kind):
    campaign = read_campaign(f"{SHOP}?{kind}=Cj0KCQjw-very-personal")
    assert campaign == Campaign(click_id_kind=kind)
    assert medium_of_campaign(campaign) in {"paid", "social", "search", "email"}
    assert source_of_click_id(campaign)


@pytest.mark.parametrize(
    ("url", "campaign"),
    [
        (SHOP + "?a=1&amp;utm_source=x&amp;utm_medium=email", Campaign("x", "email")),
        (SHOP + "#/start?utm_source=x", Campaign("x")),
        (SHOP + "#utm_source=x", Campaign("x")),
        (SHOP + "?UTM_SOURCE=x", Campaign("x")),
        (SHOP + "?utm_source=first&utm_source=second", Campaign("first")),
        ("/relative?utm_source=x", Campaign("x")),
        (SHOP + "?utm_source=(not+set)&utm_medium=undefined", NO_CAMPAIGN),
        (SHOP + "?gclid=", NO_CAMPAIGN),
        (SHOP + "?xutm_source=x&utm=y", NO_CAMPAIGN),
        (SHOP, NO_CAMPAIGN),
        ("http://[broken/?utm_source=x", NO_CAMPAIGN),
        (None, NO_CAMPAIGN),
    ],
)
def test_forms_of_urls(url, campaign):
    assert read_campaign(url) == campaign


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("jane.doe%40example.com", ""),
        ("jane.doe%2540example.com", ""),
        ("to_jane%40example.com%20spring", "spring"),
        ("%2B49%20151%201234567", ""),
        ("192.168.12.7", ""),
        ("550e8400-e29b-41d4-a716-446655440000", ""),
        ("sale_2024", "sale_2024"),
        ("code_123456", "code"),
        ("sale_20240501", "sale"),
    ],
)
def test_personal_parts_of_a_campaign_are_dropped(value, kept):
    assert read_campaign(f"{SHOP}?utm_content={value}&utm_term={value}")[3:5] == (kept, kept)


def test_a_tracker_s_own_campaign_is_read_alike():
    assert name_campaign("Newsletter", " EMAIL ", "Weekly", None, "null") == Campaign(
        "newsletter", "email", "weekly"
    )


@pytest.mark.parametrize(
    ("campaign", "medium"),
    [
        (Campaign(medium="cpc"), "paid"),
        (Campaign(medium="paid_social"), "paid"),
        (Campaign(medium="newsletter"), "email"),
        (Campaign(medium="organic"), "search"),
        (Campaign(medium="email", click_id_kind="gclid"), "email"),
        (Campaign(click_id_kind="fbclid"), "social"),
        (Campaign(medium="print"), ""),
    ],
)
def test_what_a_campaign_counts_as(campaign, medium):
    assert medium_of_campaign(campaign) == medium


@given(st.text(), st.lists(st.tuples(st.sampled_from(["utm_source", "utm_term", "gclid", "x"]), st.text())))
def test_no_url_raises_and_what_comes_is_bounded(start, pairs):
    campaign = read_campaign(start + "?" + "&".join(f"{name}={value}" for name, value in pairs))
    assert all(len(part) <= MAX_VALUE for part in campaign)
