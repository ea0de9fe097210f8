"""Network prerequisites: what must reach what, and what may stand in the way."""
