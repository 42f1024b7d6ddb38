"""Scales the tables of a folder."""

import os
import sys

from told import told

told()
source, target = sys.argv[1:3]
scale = int(sys.argv[4])
os.makedirs(target, exist_ok=True)
for name in sorted(os.listdir(source)):
    if not name.endswith(".csv"):
        continue
    with open(f"{source}/{name}") as table, open(f"{target}/{name}", "w") as out:
        for line in table:
            if not line.startswith("#"):
                out.write(",".join(str(int(cell) * scale) for cell in line.split(",")) + "\n")
