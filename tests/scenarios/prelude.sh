# What executed, from the events of `hpipe repro --json -j 1 ARGUMENTS`: a line `started NAME` for each execution, and
# one `OUTCOME NAME` for each stage.
trace() {
  code=0
  hpipe repro --json -j 1 "$@" > "$SCRATCH" || code=$?
  sed -n \
    -e 's/^{"v":1,"event":"stage_started","stage":"\([^"]*\)".*/started \1/p' \
    -e 's/^{"v":1,"event":"stage_finished","stage":"\([^"]*\)","outcome":"\([^"]*\)".*/\2 \1/p' "$SCRATCH"
  return $code
}
