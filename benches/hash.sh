#!/usr/bin/env bash
# Hashes one large file (default 2 GiB, in memory) with hpipe and with b3sum, in turn, and prints the wall seconds of each
# and their ratio: the median of RUNS pairs (default 5). hpipe's time is that of a whole `hpipe status` that must hash it.
#
# Usage: benches/hash.sh [RUNS] [MEBIBYTES]
# Installs b3sum with cargo into target/b3sum. HPIPE=… measures another binary.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${1:-5} size=${2:-2048}
if [ -z "${HPIPE:-}" ]; then
  cargo build --release --quiet --no-default-features --package hpipe
  HPIPE=$PWD/target/release/hpipe
fi
hpipe=$HPIPE
[ -x target/b3sum/bin/b3sum ] || cargo install --quiet --root target/b3sum b3sum
b3sum=$PWD/target/b3sum/bin/b3sum
project=$(mktemp -d -p /dev/shm)
trap 'rm -rf "$project"' EXIT
cd "$project"
printf 'stages:\n  read:\n    cmd: "true"\n    deps: [large]\n' > pipeline.yaml
head -c "${size}M" /dev/urandom > large

seconds() { # seconds COMMAND…: wall time
  local began=$EPOCHREALTIME
  "$@" > /dev/null
  awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.3f", b - a }'
}

median() { sort -n | awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] }'; }

pairs=$(for _ in $(seq "$runs"); do
  rm -rf .cache
  printf '%s %s\n' "$(seconds "$hpipe" status)" "$(seconds "$b3sum" large)"
done)
printf 'hpipe %s s, b3sum %s s, ratio %s (medians of %s pairs)\n' \
  "$(printf '%s\n' "$pairs" | awk '{ print $1 }' | median)" \
  "$(printf '%s\n' "$pairs" | awk '{ print $2 }' | median)" \
  "$(printf '%s\n' "$pairs" | awk '{ printf "%.2f\n", $1 / $2 }' | median)" "$runs"
