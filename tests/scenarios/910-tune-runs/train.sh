# The loss is least at lr 0.3, and the kind `fast` is better by 0.1.
lr=$(sed -n 's/^  lr: *\([^ ]*\).*/\1/p' params.yaml)
kind=$(sed -n 's/^  kind: //p' params.yaml)
echo "$kind $lr" | cat clean - > model
awk -v lr="$lr" -v kind="$kind" 'BEGIN {
  printf "{\"loss\": %.6f, \"size\": 3}\n", (lr - 0.3) ^ 2 + (kind == "slow" ? 0.1 : 0)
}' > metrics.json
