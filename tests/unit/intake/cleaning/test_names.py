import pytest

from stream_app.intake.cleaning.names import device_of_system, name_browser, name_device, name_system


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("ios", "iOS"),
        ("iPadOS", "iOS"),
        ("Mac OS X", "macOS"),
        ("macOS", "macOS"),
        ("MACINTOSH", "macOS"),
        ("Windows 11", "Windows"),
        ("Ubuntu", "Linux"),
        ("ChromeOS", "Chrome OS"),
        ("  Android ", "Android"),
        ("SerenityOS", "SerenityOS"),
        ("(not set)", ""),
        (None, ""),
    ],
)
def test_systems(given, name):
    assert name_system(given) == name


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("Chrome Mobile", "Chrome"),
        ("Chrome Mobile iOS", "Chrome"),
        ("Mobile Safari", "Safari"),
        ("MICROSOFT  EDGE", "Edge"),
        ("Firefox iOS", "Firefox"),
        ("Ladybird", "Ladybird"),
        ("jane.doe@example.com", ""),
        ("B" * 100, "B" * 32),
        ("null", ""),
    ],
)
def test_browsers(given, name):
    assert name_browser(given) == name


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ("Desktop", "desktop"),
        ("smartphone", "mobile"),
        ("iPad", "tablet"),
        ("Smart TV", "tv"),
        ("Console", "other"),
        ("ios", ""),
        ("banana", ""),
        ("unknown", ""),
    ],
)
def test_device_kinds(given, kind):
    assert name_device(given) == kind


def test_a_system_may_tell_its_device():
    assert (device_of_system("iOS"), device_of_system("Windows"), device_of_system("tvOS")) == (
        "mobile",
        "desktop",
        "tv",
    )
    assert device_of_system("SerenityOS") == ""
