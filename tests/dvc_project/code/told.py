"""Tells that a script was executed: a line in the file that EXECUTED names."""

import os
import sys


def told():
    with open(os.environ["EXECUTED"], "a") as log:
        log.write(" ".join([os.path.basename(sys.argv[0]), *sys.argv[1:]]) + "\n")
