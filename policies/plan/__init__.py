"""The plan as MTC validates it, offline: what it refers to, and its state."""
