#!/bin/sh
# Compares `hpipe server` with a real `mlflow server` on SQLite, in one run: start, memory, CPU per request, searches.
#
# usage: benches/server.sh HPIPE PYTHON [RUNS]
#   HPIPE   a release build of hpipe
#   PYTHON  the interpreter of an environment with mlflow
#   RUNS    how many runs the large search has (default 100000; hpipe only)
#
# Prints a table in Markdown. CPU is that of all processes of the server, as the kernel counts it.
set -eu
hpipe=$(realpath "$1")
python=$2
here=$(dirname "$(realpath "$0")")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$python" "$here/server.py" "$hpipe" "$python" "$folder" "${3:-100000}"
