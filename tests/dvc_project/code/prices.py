"""Turns a table of prices into JSON."""

import json
import sys

from told import told

told()
with open(sys.argv[1]) as table:
    prices = {name: int(price) for name, price in (line.split(",") for line in table)}
with open(sys.argv[2], "w") as out:
    json.dump(prices, out, sort_keys=True)
