printf 'step,train,validation\n1,%s.5,%s.75\n2,0.25,0.5\n3,,nan\n' "$1" "$1" > loss.csv
echo '{"n": 3, "points": [{"fpr": 0, "tpr": 0.5}, {"fpr": 1, "tpr": 1}]}' > roc.json
printf 'ridge\t0.7\nlasso\t0.6\n' > scores.tsv
mkdir -p images
echo '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>' > images/map.svg
echo no image > images/notes.txt
