#!/usr/bin/env bash
# Tree learners beside scikit-learn, XGBoost and LightGBM: the same matrix and hyperparameters, in turn, on 1 and on 2 threads.
# Prints Markdown tables: medians of ROUNDS rounds (default 5), each on another random split, and the medians of their ratios;
# then fit time against rows and features. What they say on one machine is in docs/learners.md.
#
# Usage: benches/learners.sh [ROUNDS] [--no-growth | --only-growth]
#        benches/learners.sh --splits N      only test errors, over N random splits: mean ratio and its standard error
#        benches/learners.sh --trees ROWS    only fit time of trees and forests against rows, up to so many (20000 … 2000000)
#        with `--only WORD` of the learners those whose name in the table has it: forest, 31 leaves
# Makes a throw-away Python environment with the peers; PYTHON names an interpreter that has them already.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --quiet -p hpipe-learn --example bench
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=${PYTHON:-}
if [ -z "$python" ]; then
  python3 -m venv "$folder/venv"
  "$folder/venv/bin/pip" install --quiet scikit-learn xgboost lightgbm
  python=$folder/venv/bin/python
fi
exec_bench=$PWD/target/release/examples/bench
"$python" benches/learners.py "$exec_bench" "$folder" "$@"
