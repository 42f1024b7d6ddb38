"""Scores all models."""

import json
import os
import sys

from told import told

told()
with open("evaluate.toml") as file:
    digits = next(int(line.split("=")[1]) for line in file if line.startswith("digits"))
scores = {}
for name in sorted(os.listdir(sys.argv[1])):
    with open(f"{sys.argv[1]}/{name}") as file:
        scores[name.removesuffix(".json")] = round(json.load(file)["value"], digits)
os.makedirs("scores/detail", exist_ok=True)
with open("scores/metrics.json", "w") as out:
    json.dump({"best": max(scores.values()), "scores": scores}, out)
with open("scores/curve.csv", "w") as out:
    out.write("model,score\n")
    out.writelines(f"{name},{score}\n" for name, score in scores.items())
for name, score in scores.items():
    with open(f"scores/detail/{name}.txt", "w") as out:
        out.write(f"{score}\n")
