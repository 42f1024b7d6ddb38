"""Finds the models of each word."""

import json
import os
import sys

from told import told

told()
words, models, target = sys.argv[1:]
names = sorted(os.listdir(models))
with open(words) as file, open(target, "w") as out:
    json.dump({word: [name for name in names if word in name] for word in file.read().split()}, out)
