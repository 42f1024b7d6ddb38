#!/bin/sh
# Compares `hpipe serve` with FastAPI on uvicorn serving the same XGBoost model with the same validation, and with a bare axum
# handler that parses the same body and answers a constant; in one run, on loopback.
#
# usage: benches/serve.sh HPIPE [--seconds 5] [--turns 3] [--soak 1000000]
#   HPIPE      a release build of hpipe, with machine learning
#   --seconds  how long each figure is measured
#   --turns    how often the servers take turns; the median is told
#   --soak     how many requests memory is watched over
#
# Needs Python with venv, and its package index; makes an environment in a temporary folder and removes it. Prints a table in
# Markdown, and says `missed` where a target is. Server and clients share the machine: only what is of one run may be compared.
set -eu
hpipe=$(realpath "$1")
shift
here=$(dirname "$(realpath "$0")")
cd "$here/.."
cargo build --quiet --release -p hpipe-serve --example load
load=$(realpath "${CARGO_TARGET_DIR:-target}/release/examples/load")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check numpy xgboost fastapi 'uvicorn[standard]'
"$folder/env/bin/python" "$here/serve.py" "$hpipe" "$load" "$folder" "$@"
