# Writes more than it declares, and reads what git ignores.
echo "trial" >> junk
cat secret 2> /dev/null || echo "no secret" >> junk
lr=$(sed -n 's/^  lr: *\([^ ]*\).*/\1/p' params.yaml)
venv/bin/say "$lr" > model
echo "{\"loss\": $lr}" > metrics.json
