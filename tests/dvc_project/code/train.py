"""Fits a model of one number."""

import argparse
import json
import os

from told import told

told()
parser = argparse.ArgumentParser()
for name in ("--kind", "--data", "--out"):
    parser.add_argument(name)
parser.add_argument("--rate", type=float)
parser.add_argument("--steps", type=int)
parser.add_argument("--verbose", action="store_true")
given = parser.parse_args()
with open(given.data) as file:
    rows = json.load(file)
with open("options.json") as file:
    options = json.load(file)
values = [value for row in rows for value in row]
aim = sum(values) / len(values) if given.kind == "mean" else values[-1]
model = options[given.kind]["bias"] + options["seed"]
for _ in range(given.steps):
    model += given.rate * (aim - model)
os.makedirs(os.path.dirname(given.out), exist_ok=True)
with open(given.out, "w") as out:
    json.dump({"kind": given.kind, "value": round(model, 6)}, out)
