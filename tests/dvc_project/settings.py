class Model:
    depth = 4
    width = 2


NAME = "example"
