"""Adds the best score to a journal."""

import json
import sys

from told import told

told()
with open(sys.argv[1]) as file, open(sys.argv[2], "a") as journal:
    journal.write(f"{json.load(file)['best']}\n")
