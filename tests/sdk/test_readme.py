"""The README's three ways to tiers, by its commands alone: a CSV, a Parquet file, a page with `gtag`.

Google's `gtag.js` is in no package registry and cannot be fetched where tests run. `@minimal-analytics/ga4`
stands in for it: an independent tracker that sends the same hits to the same address, `/g/collect`. It gets
the measurement id and the server from the README's page.
"""

import re
from pathlib import Path

import pytest
from sdk.snippets import bundle, shop, visit, wait_until
from support.documents import blocks, commands
from support.shell_session import ShellSession

from stream_app.runtimes.embedded.output_table import OutputReader

SITE = "https://shop.example"
TIER = re.compile(r"engagement_tier\s+(\S+)\s+new -> \d (?:none|low|medium|high)")
[PAGE] = [block.text for block in blocks() if block.document == "README.md" and block.language == "html"]
STAND_IN = """
import { track } from "@minimal-analytics/ga4";
window.minimalAnalytics = { trackingId: "ID", analyticsEndpoint: "SERVER/g/collect" };
track();
track({ type: "add_to_cart", event: { "ep.currency": "EUR", "epn.value": 79.9 } });
"""


def told(pattern: str) -> str:
    """A value in the README's page."""
    found = re.search(pattern, PAGE)
    assert found, pattern
    return found[1]


def came_out(folder: Path) -> dict[str, int]:
    """How many outputs of each schema a folder has by now."""
    with OutputReader(folder) as reader:
        return reader.output_counts()


def of_way(folder: str) -> list[str]:
    """The README's commands of one way, by its folder."""
    texts = [command.text for command in commands("README.md")]
    return [text for text in texts if folder in text and "--follow" not in text]


@pytest.mark.parametrize(("folder", "first"), [("from-csv", "printf"), ("from-parquet", "python")])
def test_a_table_leads_to_tiers(folder: str, first: str, tmp_path: Path) -> None:
    makes = [command.text for command in commands("README.md") if "clicks." in command.text]
    with ShellSession(tmp_path) as shell:
        for text in makes:
            if text.startswith(("printf", first)):
                shell.run(text)
        printed = [shell.run(text) for text in of_way(folder)]
    assert [found[1] for text in printed if (found := TIER.search(text))] == ["u-1"]


def test_a_page_with_gtag_leads_to_tiers(tmp_path: Path) -> None:
    key, server = told(r'gtag\("config", "([\w-]+)"'), told(r'server_container_url: "([^"]+)"')
    assert f"id={key}" in PAGE
    [export] = [c.text for c in commands("README.md") if c.text.startswith("export STREAM_APP_WRITE_KEYS")]
    assert (key in export, SITE in export) == (True, True)
    [collect, *reads] = of_way("from-pages")
    with shop(tmp_path) as site, ShellSession(tmp_path) as shell:
        shell.run(export.replace(SITE, site))
        shell.run(collect)
        here = shell.run("echo http://127.0.0.1:8090").strip()
        source = tmp_path / "page.js"
        source.write_text(STAND_IN.replace("ID", key).replace("SERVER", server))
        bundle(source, here, key, tmp_path)
        with visit(site) as visiting:
            wait_until(lambda: "engagement_tier" in came_out(tmp_path / "from-pages"), lambda: visiting.said)
        printed = [shell.run(text) for text in reads]
    assert len([text for text in printed if TIER.search(text)]) == 1
