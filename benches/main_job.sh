#!/usr/bin/env bash
# Measures the main job: a cold `hpipe repro` (empty cache, no outs), the same again (nothing to do), and with every out
# deleted (all restored). Prints a table of wall seconds, CPU seconds and peak memory: the median of RUNS runs (default 5).
#
# Usage: benches/main_job.sh [RUNS]     needs GNU time as /usr/bin/time (Debian: apt-get install time)
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${1:-5}
cargo build --release --quiet
hpipe=$PWD/target/release/hpipe
project=$(mktemp -d)
trap 'rm -rf "$project"' EXIT
cp -r pipeline.yaml params.yaml "$project"
mkdir "$project/data"
cp -r data/raw "$project/data/"

outs() { # every path that is not what the project began with
  (cd "$project" && find . -mindepth 1 -maxdepth 1 ! -name pipeline.yaml ! -name params.yaml ! -name data ! -name "$1" \
    ! -name "$2" && find data -mindepth 1 -maxdepth 1 ! -name raw)
}

measure() { # measure NAME PREPARE…: the median of each figure over the runs
  local name=$1 figures
  shift
  figures=$(for _ in $(seq "$runs"); do
    "$@"
    (cd "$project" && /usr/bin/time -f '%e %U %S %M' "$hpipe" -q repro 2>&1)
  done)
  for column in 1 2 3 4; do
    printf '%s\n' "$figures" | awk -v c="$column" '{ print $c }' | sort -n | awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] }'
  done | paste -sd' ' | awk -v name="$name" '{ printf "| %s | %.2f s | %.2f s | %.0f MiB |\n", name, $1, $2 + $3, $4 / 1024 }'
}

cold() { outs none none | (cd "$project" && xargs -r rm -rf); }
deleted() { outs .cache pipeline.lock | (cd "$project" && xargs -r rm -rf); }

echo "| main job, median of $runs | wall | CPU | peak memory |"
echo "|---|---|---|---|"
measure "cold: everything executes" cold
measure "again: nothing to do" true
measure "all outs deleted: restored" deleted
