"""Writes a report."""

import json
import os
import sys

sys.path.insert(0, "../code")
from told import told  # noqa: E402

told()
metrics, prices, target, _, title = sys.argv[1:]
with open(metrics) as file:
    best = json.load(file)["best"]
with open(prices) as file:
    count = len(json.load(file))
with open(target, "w") as out:
    out.write(f"# {title}\n\nBest score {best}, {count} prices.\n")
