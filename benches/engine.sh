#!/usr/bin/env bash
# Measures the engine beside ninja, n2, a bare spawn loop, cp and git add, and prints a table of CPU seconds and ratios.
#
# Usage: benches/engine.sh [--graphs KIND:STAGES,…] [--files N,…] [--watch KIND:STAGES,…] [--runs N] [--on memory|disk]
#        benches/engine.sh --whole     the whole table of docs/performance.md, hashing included: about half an hour
#   KIND is chain, wide or layered. The default takes a few minutes.
#
# Installs ninja with apt-get where it is missing, and n2 with cargo into target/n2 where that is possible. Builds hpipe
# without the machine learning. HPIPE=… measures another binary. Hashing beside b3sum is benches/hash.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
on=memory arguments=() whole=
while [ $# -gt 0 ]; do
  case $1 in
    --on) on=$2; shift 2 ;;
    --whole)
      whole=yes
      arguments+=(--graphs wide:1000,chain:1000,layered:1000,layered:10000,layered:100000
        --files 10000,100000 --watch layered:100,layered:1000,layered:10000)
      shift ;;
    *) arguments+=("$1"); shift ;;
  esac
done
command -v ninja > /dev/null || apt-get install -y -q ninja-build > /dev/null
n2=$PWD/target/n2/bin/n2
if [ ! -x "$n2" ]; then
  # The crate of that name is a placeholder.
  cargo install --quiet --root target/n2 --git https://github.com/evmar/n2 2> /dev/null \
    || echo "n2 cannot be installed here: measured without it" >&2
fi
[ -x "$n2" ] && arguments+=(--n2 "$n2")
if [ -z "${HPIPE:-}" ]; then
  cargo build --release --quiet --no-default-features --package hpipe
  HPIPE=$PWD/target/release/hpipe
fi
case $on in
  memory) folder=$(mktemp -d -p /dev/shm) ;;
  disk) folder=$(mktemp -d -p "$PWD/target") ;;
  *) echo "--on takes memory or disk" >&2; exit 2 ;;
esac
trap 'rm -rf "$folder"' EXIT
for tool in spawn usage; do cc -O2 -o "$folder/$tool" "benches/$tool.c"; done
echo "$(ninja --version | sed 's/^/ninja /'), $("$n2" --version 2> /dev/null || echo no n2), $(git --version)," \
  "$("$HPIPE" --version), $(uname -sr), $(nproc) cores of $(sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -1), in $on"
python3 benches/engine.py --hpipe "$HPIPE" --ninja "$(command -v ninja)" --spawn "$folder/spawn" \
  --usage "$folder/usage" --folder "$folder/work" "${arguments[@]}"
[ -z "$whole" ] || HPIPE=$HPIPE benches/hash.sh
