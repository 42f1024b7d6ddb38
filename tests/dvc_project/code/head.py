"""Copies the first rows of a table."""

import sys

from told import told

told()
source, target, _, rows = sys.argv[1:]
with open(source) as table, open(target, "w") as out:
    out.writelines(table.readlines()[: int(rows)])
