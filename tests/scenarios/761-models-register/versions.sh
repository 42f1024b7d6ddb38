# The versions of all models, and where they stand.
for model in $(hpipe models list | sed -e 1d -e 's/ .*//'); do
  hpipe models show "$model" | sed -n "s/^ *\\([0-9][0-9]*\\)  \\([A-Za-z]*\\) .*/$model \\1 \\2/p"
done
