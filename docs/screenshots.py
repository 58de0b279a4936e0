"""Take the pictures of the pages that stand in the documents, with headless Chromium.

python docs/screenshots.py http://127.0.0.1:8091 --out docs/pictures
"""

import argparse
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def main() -> None:
    """Take each picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("--out", type=Path, default=Path("docs/pictures"))
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    with urlopen(f"{chosen.address}/v1/users?limit=1") as answer:
        user = json.load(answer)["users"][0]["user_key"]
    with urlopen(f"{chosen.address}/v1/users/{quote(user, safe='')}/recommendations?count=1") as answer:
        item = json.load(answer)["items"][0]["item_id"]
    pages = {
        "today": ("/", 1250, ()),
        "person": (f"/people/{quote(user, safe='')}", 1500, ()),
        "drivers": ("/drivers", 1250, ()),
        "content": (f"/content?item={quote(item, safe='')}", 1250, ()),
        "groups": ("/groups", 1250, ()),
        "playground": (f"/playground?items={quote(item, safe='')}", 950, ()),
        "today-dark": ("/", 1250, ("--force-dark-mode", "--blink-settings=preferredColorScheme=0")),
    }
    browser = next(path for name in BROWSERS if (path := shutil.which(name)))
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses to sandbox what root runs
    for name, (path, height, options) in pages.items():
        with tempfile.TemporaryDirectory() as profile:
            command = [
                browser, "--headless", *sandbox, "--disable-gpu", "--disable-dev-shm-usage",
                "--hide-scrollbars", f"--window-size=1180,{height}", f"--user-data-dir={profile}",
                f"--screenshot={chosen.out / name}.png", *options, f"{chosen.address}{path}",
            ]  # fmt: skip
            subprocess.run(command, check=True, capture_output=True, timeout=120)


if __name__ == "__main__":
    main()
