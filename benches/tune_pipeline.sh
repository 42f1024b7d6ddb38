#!/usr/bin/env bash
# Sets the search of the stage `tune` beside Optuna's on models and rows of the example pipeline: equal spaces, equal numbers
# of trials, the same objective; prints a table of docs/tuning.md.
#
# Usage: benches/tune_pipeline.sh [SEEDS]     (default 20) needs python3 with venv; installs optuna into a throw-away venv;
# PYTHON names an interpreter that has it
set -euo pipefail
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cargo build --release --quiet --locked
cargo build --release --quiet --locked -p hpipe-stages --example search
target/release/hpipe repro --quiet features
python=${PYTHON:-}
if [ -z "$python" ]; then
  python3 -m venv "$scratch/venv"
  "$scratch/venv/bin/pip" install --quiet optuna==5.0.0
  python=$scratch/venv/bin/python
fi
"$python" benches/tune_pipeline.py target/release/examples/search \
  data/features/train.parquet data/features/validation.parquet "${1:-20}"
