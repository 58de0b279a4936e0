#!/usr/bin/env bash
# pydantic 2.14.3: model_copy(update=...) keeps what a cached_property computed from the old values.
# Guess: a copy with another value of a field computes its cached properties from that value.
# Seen: if the property was read before the copy was made, the copy answers with the original's; if not, with its own.
# Matters: an index over a model's list, cached, still finds what the copy no longer has; whether it does depends on
# who read it first, so a test of the copy alone passes.
# Seen in notification plans: a campaign without a type still sent that type.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pydantic==2.14.3
"$folder/venv/bin/python" - <<'PYTHON'
from functools import cached_property

from pydantic import BaseModel, ConfigDict, VERSION


class Shelf(BaseModel):
    model_config = ConfigDict(frozen=True, ignored_types=(cached_property,))
    names: list[str]

    @cached_property
    def index(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.names)}


unread, read = Shelf(names=["old"]), Shelf(names=["old"])
read.index
answers = [shelf.model_copy(update={"names": ["new"]}).index for shelf in (unread, read)]
print(f"pydantic {VERSION}: a copy's index, not read and read before:", answers)
assert answers == [{"new": 0}, {"old": 0}], answers
PYTHON
