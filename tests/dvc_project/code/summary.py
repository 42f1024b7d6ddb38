"""Says how long a file is."""

import json
import sys

from told import told

told()
with open(sys.argv[1]) as file:
    text = file.read()
with open(sys.argv[2], "w") as out:
    json.dump({"file": sys.argv[1], "characters": len(text)}, out)
