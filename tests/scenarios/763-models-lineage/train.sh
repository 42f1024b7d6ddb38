lr=$(sed -n 's/^lr: //p' params.yaml)
echo "{\"lr\": $lr, \"noise\": \"$(cat noise 2>/dev/null)\"}" > model.json
echo "{\"test\": {\"rmse\": $lr}}" > metrics.json
