#!/usr/bin/env bash
# What a search of 50 trials reaches on a plain 60/20/20 split of the California table, for five splits: benches/tuned.yaml,
# executed by hpipe; prints the table of docs/learners.md. Takes some minutes of CPU. No test row has a say in anything but
# the figures printed.
#
# Usage: benches/tuned.sh [SEED…]     (of the split; default 42 7 1 2 3); HPIPE names a program that is built already
set -euo pipefail
cd "$(dirname "$0")/.."
program=${HPIPE:-}
if [ -z "$program" ]; then
  cargo build --release --quiet --locked
  program=$PWD/target/release/hpipe
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cp benches/tuned.yaml "$scratch/pipeline.yaml"
mkdir -p "$scratch/data"
cp -r data/raw "$scratch/data/raw"
[ $# -gt 0 ] || set -- 42 7 1 2 3
targets=("${@/#/evaluate@}")
"$program" -C "$scratch" repro --quiet "${targets[@]}"
python3 - "$scratch" "$@" <<'PYTHON'
import json, pathlib, statistics, sys

folder, seeds = pathlib.Path(sys.argv[1]), sys.argv[2:]
rows = {"usual settings": [], "after 50 trials": []}
best = []
for seed in seeds:
    models = json.loads((folder / f"metrics/{seed}.json").read_text())["models"]
    for row, name in zip(rows.values(), ["usual", "tuned"]):
        row.append(models[name]["scores"]["test"]["rmse"])
    study = json.loads((folder / f"studies/{seed}.json").read_text())["content"]
    best.append(study["best"]["number"])
print(f"| seed of the split | {' | '.join(seeds)} | mean |\n|---|{'---|' * (len(seeds) + 1)}")
for name, found in rows.items():
    print(f"| {name} | {' | '.join(f'{rmse:.4f}' for rmse in found)} | **{statistics.mean(found):.4f}** |")
print(f"| best trial | {' | '.join(map(str, best))} | |")
PYTHON
