import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_app.intake.cleaning.referrers import (
    MAX_SOURCE,
    MEDIA,
    classify_referrer,
    read_referrer,
    source_of_domain,
)

PAGE = "https://shop.example.co.uk/item"


@pytest.mark.parametrize(
    ("referrer", "medium", "source", "terms"),
    [
        ("https://www.google.com/", "search", "Google", ()),
        ("https://www.google.co.uk/search?q=Red+Shoes&hl=en", "search", "Google", ("red", "shoes")),
        ("https://images.google.de/imgres?q=schuhe", "search", "Google", ("schuhe",)),
        ("https://www.bing.com/search?q=loan", "search", "Bing", ("loan",)),
        ("https://duckduckgo.com/", "search", "DuckDuckGo", ()),
        ("https://search.yahoo.com/search?p=hotel+rome", "search", "Yahoo", ("hotel", "rome")),
        ("https://yandex.com.tr/search/?text=otel", "search", "Yandex", ("otel",)),
        ("https://www.baidu.com/s?wd=%E8%B4%B7%E6%AC%BE", "search", "Baidu", ("贷款",)),
        (
            "android-app://com.google.android.googlequicksearchbox/https/www.google.com",
            "search",
            "Google",
            (),
        ),
        ("https://m.facebook.com/", "social", "Facebook", ()),
        ("https://lm.facebook.com/l.php?u=x", "social", "Facebook", ()),
        ("https://t.co/abc", "social", "Twitter", ()),
        ("https://www.pinterest.de/", "social", "Pinterest", ()),
        ("https://out.reddit.com/", "social", "Reddit", ()),
        ("https://mail.google.com/mail/u/0/", "email", "Gmail", ()),
        ("android-app://com.google.android.gm/", "email", "Gmail", ()),
        ("https://outlook.live.com/", "email", "Outlook", ()),
        ("https://mail.yahoo.com/", "email", "Yahoo Mail", ()),
        ("https://googleads.g.doubleclick.net/pagead", "paid", "Google Ads", ()),
        ("https://www.awin1.com/cread.php", "paid", "Awin", ()),
        ("https://chatgpt.com/", "ai", "ChatGPT", ()),
        ("https://www.perplexity.ai/search", "ai", "Perplexity", ()),
        ("https://gemini.google.com/app", "ai", "Gemini", ()),
        ("https://copilot.microsoft.com/", "ai", "Copilot", ()),
        ("https://blog.someone.org/post", "unknown", "someone.org", ()),
        ("https://google.evil.example.com/search?q=x", "unknown", "example.com", ()),
        ("https://google.blogspot.com/search?q=x", "unknown", "google.blogspot.com", ()),
        ("https://notgoogle.com/search?q=x", "unknown", "notgoogle.com", ()),
        ("https://www.example.co.uk/search?q=shoes", "internal", "", ()),
        ("https://other.co.uk/", "unknown", "other.co.uk", ()),
        ("", "direct", "", ()),
        (None, "direct", "", ()),
        ("$direct", "direct", "", ()),
        ("null", "direct", "", ()),
        ("about:blank", "direct", "", ()),
        ("no url at all", "unknown", "", ()),
        ("https://[broken", "unknown", "", ()),
    ],
)
def test_referrers(referrer, medium, source, terms):
    assert classify_referrer(referrer, PAGE)[:3] == (medium, source, terms)


def test_hosts_without_a_registered_domain_are_internal_to_themselves():
    assert classify_referrer("http://localhost:8080/a", "http://localhost:3000/b").medium == "internal"
    assert classify_referrer("http://10.0.0.1/a", "http://10.0.0.2/b").medium == "unknown"


def test_sites_under_a_private_suffix_are_strangers():
    assert classify_referrer("https://ann.github.io/", "https://bob.github.io/").medium == "unknown"
    assert classify_referrer("https://ann.github.io/a", "https://ann.github.io/b").medium == "internal"


def test_a_long_domain_is_cut():
    assert classify_referrer("https://" + "a" * 63 + ".co.uk/", PAGE).source == "a" * 63 + "."


def test_an_ip_is_no_source():
    assert classify_referrer("http://203.0.113.9/a", PAGE).source == ""
    assert classify_referrer("http://[2001:db8::17]/a", PAGE).source == ""


@given(st.one_of(st.text(), st.text().map(lambda text: "https://www.google.com/search?q=" + text)), st.text())
def test_no_referrer_raises_and_what_comes_is_bounded(referrer, page):
    found = classify_referrer(referrer, page)
    assert found.medium in MEDIA
    assert len(found.source) <= MAX_SOURCE
    assert len(found.terms) <= 8


@pytest.mark.parametrize(
    "referrer",
    [
        "https://accounts.google.com/signin/oauth?q=shoes",
        "https://accounts.google.co.uk/",
        "https://accounts.youtube.com/accounts/SetSID",
        "https://translate.google.com/translate?u=https://shop.example/&q=x",
        "https://translate.google.de/",
        "https://shop-example.translate.goog/",
        "https://translate.googleusercontent.com/translate_c",
        "https://login.live.com/oauth20_authorize.srf",
        "https://login.microsoftonline.com/common/oauth2/authorize",
        "https://login.yahoo.com/?q=x",
        "https://passport.yandex.ru/auth",
        "https://translate.yandex.com/?text=x",
        "https://nid.naver.com/nidlogin.login?query=x",
        "https://papago.naver.com/",
        "https://passport.baidu.com/v2/?wd=x",
    ],
)
def test_where_people_sign_in_or_translate_is_no_search(referrer: str) -> None:
    found = read_referrer(referrer)
    assert (found.medium, found.terms) == ("unknown", ())
    assert found.source


def test_a_search_beside_such_a_host_is_one() -> None:
    assert read_referrer("https://www.google.com/search?q=shoes").medium == "search"
    assert read_referrer("https://search.yahoo.com/search?p=shoes").medium == "search"


def test_such_a_host_is_no_campaign_s_source_either() -> None:
    assert source_of_domain("accounts.google.com") is None
