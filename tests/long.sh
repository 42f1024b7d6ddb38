#!/usr/bin/env bash
# What takes too long for `cargo test`: random sequences by the thousand and fuzzing readers, each within a bound.
#   tests/long.sh [SECONDS]     as many as that many seconds allow (default 120), at most 5,000 sequences
#   HPIPE_SEQUENCES=100000 tests/long.sh 86400
# A failure prints its seed, the steps that are needed and what they did; HPIPE_SEED plays one.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-120}
export HPIPE_SEQUENCES=${HPIPE_SEQUENCES:-5000} HPIPE_SECONDS=$seconds
# The readers of everything on disk, PROPTEST_CASES for each of them.
[ -w /dev/shm ] && export TMPDIR=/dev/shm
PROPTEST_CASES=${PROPTEST_CASES:-5000} \
  cargo test --profile long --locked --no-default-features -p hpipe-store --test contract readers:: -- --nocapture
cargo test --profile long --locked --no-default-features -p hpipe --test incremental -- \
  --exact incremental_equals_clean repro_that_is_killed --nocapture
