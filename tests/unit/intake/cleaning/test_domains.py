import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_app.intake.cleaning.domains import DomainTable, registered_domain
from stream_app.intake.cleaning.urls import NO_URL, Url, split_url


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://shop.example.com/a", "example.com"),
        ("https://user:pw@Forums.BBC.co.uk:8443/x", "bbc.co.uk"),
        ("news.bbc.co.uk/path", "bbc.co.uk"),
        ("//cdn.example.org/x", "example.org"),
        ("https://ann.github.io/", "ann.github.io"),
        ("https://www.example.com./", "example.com"),
        ("https://bücher.de/", "bücher.de"),
        ("http://localhost:8080/", ""),
        ("http://192.168.0.1/", ""),
        ("http://[::1]/", ""),
        ("https://co.uk/", ""),
        ("/only/a/path", ""),
        ("mailto:jane@example.com", ""),
        ("javascript:alert(1)", ""),
        ("https://" + "a." * 200 + "com", ""),
        (None, ""),
    ],
)
def test_registered_domains(url, domain):
    assert registered_domain(url) == domain


def test_the_most_specific_domain_wins():
    table = DomainTable(
        [
            ("google.*", "search"),
            ("mail.google.com", "mail"),
            ("example.com", "site"),
            ("gov.uk", "government"),
        ]
    )
    assert table.find("www.google.co.jp") == "search"
    assert table.find("x.mail.google.com") == "mail"
    assert table.find("mail.google.de") == "search"
    assert table.find("deep.below.example.com") == "site"
    assert table.find("myexample.com") is None
    assert table.find("google") is None
    assert table.find("tax.service.gov.uk") == "government"
    assert table.find("") is None


def test_parts_of_urls():
    assert split_url("https://u:p@A.example.com:1/b?c=d#e") == Url("https", "a.example.com", "/b", "c=d")
    assert split_url("https://a.example.com/#/b?c=d").query == "&c=d"
    assert split_url("https://a.example.com./").host == "a.example.com"
    assert split_url("tel:+4915112345678") == NO_URL
    assert split_url("data:text/plain,x") == NO_URL


OFFLINE = """
import sys

def refuse(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo"}:
        raise SystemExit(f"{event} {arguments}")

sys.addaudithook(refuse)
from stream_app.intake.cleaning.domains import registered_domain
print(registered_domain("https://a.example.co.uk/"))
"""


def test_nothing_is_fetched_and_nothing_written(tmp_path):
    places = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "TLDEXTRACT_CACHE": str(tmp_path)}
    result = subprocess.run(
        [sys.executable, "-c", OFFLINE],
        env=os.environ | places,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (result.returncode, result.stdout.strip()) == (0, "example.co.uk"), result.stderr
    assert list(tmp_path.iterdir()) == []


@given(st.text())
def test_no_text_raises(text):
    for url in (text, "https://" + text, "https://example.com/" + text):
        assert len(split_url(url).host) <= 253
        registered_domain(url)
