"""Settings of the model."""
import os

EPOCHS = 10
HOME = os.environ.get("HOME")


class Net:
    layers = [64, 32]  # the widths

    def __init__(self, seed):
        self.dropout = 0.5
        self.seed = seed
