"""MTC's own components on every cluster: they run, and what they made is in order."""
