import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_app.errors import SettingsError
from stream_app.intake.cleaning.campaigns import NO_CAMPAIGN, Campaign
from stream_app.intake.cleaning.cleaning import Cleaner, Surroundings
from stream_app.intake.cleaning.referrers import MEDIA
from stream_app.simulation.devices import BOT_AGENTS, DEVICES

SHOP = "https://shop.example.com/"
CHROME = DEVICES[0].user_agent
NOTHING = Surroundings("", "", "", False, "direct", "", (), NO_CAMPAIGN, ())


@pytest.fixture(scope="module")
def cleaner():
    return Cleaner()


def test_a_whole_context(cleaner):
    found = cleaner.describe(
        CHROME,
        SHOP + "credit-cards?utm_source=google&utm_medium=cpc&utm_campaign=Spring&gclid=secret",
        "https://www.google.co.uk/search?q=best+credit+card+for+jane@example.com",
    )
    assert found == Surroundings(
        device="desktop",
        browser="Chrome",
        os="Windows",
        is_bot=False,
        referrer_medium="paid",
        referrer_source="Google",
        search_terms=("best", "credit", "card"),
        campaign=Campaign("google", "cpc", "spring", "", "", "gclid"),
        fields=("finance/credit_card",),
    )
    assert "secret" not in repr(found)


def test_nothing_known(cleaner):
    assert cleaner.describe() == NOTHING
    assert cleaner.describe("null", "undefined", "(not set)", "unknown", "", "None") == NOTHING


@pytest.mark.parametrize(
    ("agent", "device", "os", "browser", "client"),
    [
        (CHROME, "tablet", "iPadOS", "Mobile Safari", ("tablet", "Safari", "iOS")),
        (CHROME, "unknown", "", None, ("desktop", "Chrome", "Windows")),
        (CHROME, None, "Mac OS X", None, ("desktop", "Chrome", "macOS")),
        (None, "ios", "iOS", None, ("mobile", "", "iOS")),
        (None, "ios", None, None, ("mobile", "", "")),
        (None, None, "Windows 11", "Microsoft Edge", ("desktop", "Edge", "Windows")),
        (None, "Console", "Windows", None, ("other", "", "Windows")),
        ("okhttp/4.12.0", "android", "Android", None, ("mobile", "okhttp", "Android")),
        ("Mozilla/5.0 (Linux; Android 12; Quest 3) VR", None, "Android", None, ("other", "Android")),
    ],
)
def test_the_tracker_s_own_names_win(cleaner, agent, device, os, browser, client):
    found = cleaner.describe(agent, SHOP, None, device, os, browser)
    if len(client) == 2:
        assert (found.device, found.os) == client
    else:
        assert found[:3] == client


def test_a_tracker_s_names_do_not_hide_a_bot(cleaner):
    assert cleaner.describe(BOT_AGENTS[0], SHOP, None, "desktop", "Windows", "Chrome").is_bot


@pytest.mark.parametrize(
    ("url", "referrer", "medium", "source"),
    [
        (SHOP, SHOP + "search?q=shoes", "internal", ""),
        (SHOP + "?utm_medium=cpc&utm_source=x", SHOP, "internal", ""),
        (SHOP + "?utm_medium=email&utm_source=weekly", "", "email", "weekly"),
        (SHOP + "?mc_eid=personal", "", "email", "Mailchimp"),
        (SHOP + "?gclid=x", "", "paid", "Google"),
        (SHOP + "?gclid=x", "https://www.google.com/", "paid", "Google"),
        (SHOP + "?fbclid=x", "https://l.facebook.com/", "social", "Facebook"),
        (SHOP + "?utm_source=chatgpt.com", "", "ai", "ChatGPT"),
        (SHOP + "?utm_source=flyer", "", "unknown", "flyer"),
        (SHOP + "?utm_source=flyer", "https://www.bing.com/", "search", "Bing"),
        (SHOP, "", "direct", ""),
    ],
)
def test_where_a_visit_is_credited(cleaner, url, referrer, medium, source):
    assert cleaner.describe(None, url, referrer)[4:6] == (medium, source)


def test_search_terms_of_the_site_come_before_the_referrer_s_and_the_campaign_s(cleaner):
    google = "https://www.google.com/search?q=outside"
    assert cleaner.describe(None, SHOP + "search?q=inside", google).search_terms == ("inside",)
    assert cleaner.describe(None, SHOP + "?utm_term=advert", google).search_terms == ("outside",)
    assert cleaner.describe(None, SHOP + "?utm_term=advert", "").search_terms == ("advert",)
    assert cleaner.describe(None, SHOP + "item", SHOP + "search?q=inside").search_terms == ()


def test_a_telling_referrer_adds_its_fields(cleaner):
    assert cleaner.describe(None, SHOP + "laptops", "https://www.espn.com/").fields == (
        "technology",
        "sports",
    )
    assert cleaner.describe(None, SHOP, "https://www.youtube.com/").fields == ()
    assert cleaner.describe(None, SHOP, SHOP + "laptops").fields == ()


def test_the_tracker_s_campaign_wins_part_by_part(cleaner):
    url = SHOP + "?utm_source=b&utm_medium=cpc&gclid=x"
    found = cleaner.describe(None, url, "", campaign=("A", None, "Name", None, None))
    assert found.campaign == Campaign("a", "cpc", "name", "", "", "gclid")
    assert found.referrer_medium == "paid"
    unnamed = cleaner.describe(None, SHOP, "", campaign=(None, None, None, None, None))
    assert unnamed == cleaner.describe(None, SHOP, "")


def test_own_taxonomy(tmp_path):
    own = tmp_path / "own.toml"
    own.write_text('[boats]\nwords = ["boat"]\n', encoding="utf-8")
    assert Cleaner(own).describe(None, SHOP + "boat/hotel").fields == ("boats",)
    with pytest.raises(SettingsError):
        Cleaner(tmp_path / "absent.toml")


def test_what_is_remembered_is_bounded(cleaner):
    for number in range(9_000):
        cleaner.describe(None, f"{SHOP}{number}", f"https://a{number}.example.org/")
    memos = (cleaner._page, cleaner._origin, cleaner._classify)
    assert all(memo.cache_info().currsize <= 8192 for memo in memos)


TEXT = st.one_of(st.none(), st.text(max_size=60), st.sampled_from([CHROME, SHOP, "\ud800", "x" * 5000]))


@given(TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, st.one_of(st.none(), st.tuples(TEXT, TEXT, TEXT, TEXT, TEXT)))
def test_no_context_raises_and_what_comes_is_bounded(agent, url, referrer, device, os, browser, campaign):
    found = CLEANER.describe(agent, url, referrer, device, os, browser, campaign)
    assert found == CLEANER.describe(agent, url, referrer, device, os, browser, campaign)
    assert found.device in {"", "desktop", "mobile", "tablet", "tv", "other"}
    assert max(len(found.browser), len(found.os)) <= 32
    assert found.referrer_medium in MEDIA
    assert len(found.referrer_source) <= 64
    assert len(found.search_terms) <= 8
    assert all(len(part) <= 64 for part in found.campaign)
    assert len(found.fields) <= 4


CLEANER = Cleaner()
