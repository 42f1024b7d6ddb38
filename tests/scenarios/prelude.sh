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

# A git repository here; nothing of the machine's settings plays a part.
repository() {
  git init -q -b main
}

# All that there is, as a commit.
commit() {
  git add -A
  git -c user.name=Ada -c user.email=ada@example.org commit -q -m "$1"
}
