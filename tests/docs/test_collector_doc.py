import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
SECTION = (DOCS / "collector.md").read_text().split("## Each tracker's own snippet\n")[1].split("\n## ")[0]


def test_the_page_quotes_the_snippets_that_are_run_and_no_others() -> None:
    # No registry has the scripts that the snippets in HTML load.
    quoted = re.findall(r"^```(?:js|py)\n(.+?)^```$", SECTION, re.MULTILINE | re.DOTALL)
    assert sorted(quoted) == sorted(path.read_text() for path in (DOCS / "snippets").iterdir())
