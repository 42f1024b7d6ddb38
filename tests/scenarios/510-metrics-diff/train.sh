mkdir -p sub
echo "{\"loss\": 0.$1, \"by\": {\"train\": {\"rmse\": 1.$1}, \"test\": {\"rmse\": 2.5}}, \"n\": $1, \"best\": \"m$1\",
  \"converged\": true, \"curve\": [$1, 2], \"only$1\": 1}" > m.json
echo "mae: 0.12345$1" > sub/r.yaml
