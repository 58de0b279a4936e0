#!/usr/bin/env bash
# prometheus-client 0.26.0: one NaN spoils a counter or a sum for ever, and is counted nowhere.
# Guess: a counter, which refuses negative amounts, refuses NaN too; a histogram puts it into +Inf and counts it.
# Seen: both take it. The counter is NaN until the process ends. The histogram's sum is too, while its count and
# buckets leave the observation out: the failures that gave the NaN do not show in the count either.
# Matters: a loss or a score that is NaN once ends the mean and every rate() of it, and no alert with < or > fires on
# NaN.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check prometheus-client==0.26.0
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Histogram

registry = CollectorRegistry()
clicks = Counter("clicks", "Clicks", registry=registry)
loss = Histogram("loss", "Loss", buckets=(1,), registry=registry)
for amount in (1.0, float("nan"), 1.0):
    clicks.inc(amount)
    loss.observe(amount)
names = ("clicks_total", "loss_sum", "loss_count")
values = {name: registry.get_sample_value(name) for name in names}
values["loss +Inf"] = registry.get_sample_value("loss_bucket", {"le": "+Inf"})
print("prometheus-client", version("prometheus-client"), values)
assert str(values["clicks_total"]) == str(values["loss_sum"]) == "nan", values
assert values["loss_count"] == values["loss +Inf"] == 2, values
PYTHON
