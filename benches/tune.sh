#!/usr/bin/env bash
# Sets the samplers of src/tune beside Optuna's on test functions, same number of trials, same number of seeds, and prints
# the table of docs/tuning.md.
#
# Usage: benches/tune.sh [SEEDS]     (default 40) needs python3 with venv; installs optuna into a throw-away venv; PYTHON names
# an interpreter that has it
set -euo pipefail
cd "$(dirname "$0")/.."
seeds=${1:-40}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cargo build --release --quiet -p hpipe-tune --example quality
python=${PYTHON:-}
if [ -z "$python" ]; then
  python3 -m venv "$scratch/venv"
  "$scratch/venv/bin/pip" install --quiet optuna==5.0.0
  python=$scratch/venv/bin/python
fi
target/release/examples/quality "$seeds" > "$scratch/ours"
"$python" benches/tune.py "$scratch/ours" "$seeds"
