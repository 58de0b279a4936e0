"""The shipped lists are in order: known keys, lower case, nothing twice, nothing that can never match."""

from collections import Counter

import pytest

from stream_app.intake.cleaning.data_files import read_stop_words, read_table, read_text
from stream_app.intake.cleaning.domains import DomainTable
from stream_app.intake.cleaning.names import name_browser, name_device, name_system
from stream_app.intake.cleaning.referrers import MEDIA
from stream_app.intake.cleaning.taxonomy import _DOMAIN, parse_taxonomy

KINDS = {"desktop", "mobile", "tablet", "tv", "other"}
# Words that one language would stop and that are worth searching in another.
WORTH_SEARCHING = {
    "car",
    "van",
    "hat",
    "war",
    "man",
    "men",
    "son",
    "plus",
    "tan",
    "mi",
    "uno",
    "ai",
    "os",
    "door",
    "net",
}
WORTH_SEARCHING |= {"ring", "art", "gift", "pet", "bad", "rock", "tag", "kind", "pan", "sale"}


def repeated(items):
    return [item for item, count in Counter(items).items() if count > 1]


@pytest.mark.parametrize("table", ["device", "os", "browser"])
def test_no_name_has_two_spellings_alike(table):
    spellings = [
        word.casefold()
        for name, others in read_table("names.toml")[table].items()
        for word in {name.casefold(), *(other.casefold() for other in others)}
    ]
    assert repeated(spellings) == []
    assert all(
        len(others) == len(set(others)) and others == [other.casefold() for other in others]
        for others in read_table("names.toml")[table].values()
    )


def test_names_stay_what_they_are():
    names = read_table("names.toml")
    assert set(names) == {"device", "os", "browser", "device_of_os"}
    assert set(names["device"]) == set(names["device_of_os"]) == KINDS
    for table, read in (("device", name_device), ("os", name_system), ("browser", name_browser)):
        assert all(read(name) == name for name in names[table])
    systems = [system for group in names["device_of_os"].values() for system in group]
    assert repeated(systems) == []
    assert set(systems) <= set(names["os"])


def test_device_kinds():
    kinds = read_table("device_kinds.toml")["kind"]
    assert all(set(kind) == {"name", "markers"} for kind in kinds)
    assert {kind["name"] for kind in kinds} <= KINDS
    markers = [marker for kind in kinds for marker in kind["markers"]]
    assert repeated(markers) == []
    assert markers == [marker.casefold() for marker in markers]


def test_automated_agents():
    rules = read_table("automated_agents.toml")
    assert set(rules) == {"markers", "endings", "exceptions"}
    words = [word for group in rules.values() for word in group]
    assert repeated(words) == []
    assert all(word and word == word.casefold() for word in words)


def test_campaigns():
    rules = read_table("campaigns.toml")
    assert set(rules) == {"click_ids", "mediums"}
    media = {"paid", "email", "social", "search"}
    assert all(set(entry) == {"source", "medium"} for entry in rules["click_ids"].values())
    assert {entry["medium"] for entry in rules["click_ids"].values()} <= media
    assert all(name == name.lower() for name in rules["click_ids"])
    assert set(rules["mediums"]) == media
    words = [word for group in rules["mediums"].values() for word in group]
    assert repeated(words) == []
    assert words == [word.casefold() for word in words]


def test_referrers():
    rules = read_table("referrers.toml")
    media = set(rules) - {"direct", "site_search_parameters", "passage"}
    assert media == set(MEDIA) - {"internal", "unknown", "direct"}
    sources = [source for medium in media for source in rules[medium].values()]
    assert all(set(source) <= {"domains", "parameters", "apps"} and source["domains"] for source in sources)
    for key in ("domains", "apps"):
        places = [place for source in sources for place in source.get(key, ())]
        assert repeated(places) == []
        assert all(place == place.casefold() for place in places)
    domains = [domain for source in sources for domain in source["domains"]]
    assert all(_DOMAIN.fullmatch(domain) for domain in domains)
    assert all("parameters" in source for source in rules["search"].values())
    hosts = rules["passage"]["hosts"]
    assert repeated([*hosts, *domains]) == []
    assert all(_DOMAIN.fullmatch(host) for host in hosts)


def test_every_listed_domain_can_be_found():
    taxonomy = parse_taxonomy(read_text("taxonomy.toml"), "taxonomy.toml")
    referrers = read_table("referrers.toml")
    domains = [domain for entry in taxonomy.values() for domain in entry.get("domains", ())] + [
        domain
        for medium in set(MEDIA) & set(referrers) - {"direct"}
        for source in referrers[medium].values()
        for domain in source["domains"]
    ]
    table = DomainTable((domain, domain) for domain in domains)
    assert [domain for domain in domains if table.find("www." + domain.replace("*", "com")) is None] == []
    hosts = {domain: "www." + domain.replace(".*", ".co.uk") for domain in domains if "*" in domain}
    assert [domain for domain, host in hosts.items() if table.find(host) is None] == []


def test_every_field_has_words_and_domains():
    taxonomy = parse_taxonomy(read_text("taxonomy.toml"), "taxonomy.toml")
    assert all(entry["words"] and entry["domains"] for entry in taxonomy.values())


def test_stop_words():
    languages = read_stop_words()
    assert set(languages) == {"en", "de", "fr", "es", "it", "pt", "nl"}
    for code, words in languages.items():
        assert 80 <= len(words) <= 250, code
        assert words == {word.casefold() for word in words}
        assert all(word.isalpha() for word in words), code
        assert words & WORTH_SEARCHING == set(), code
        listed = [
            word
            for line in read_text(f"stop_words/{code}.txt").splitlines()
            if not line.startswith("#")
            for word in line.split()
        ]
        assert repeated(listed) == [], code
