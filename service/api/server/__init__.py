"""The process: worker, turns and deadlines, and what happens around every request."""
