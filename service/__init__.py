"""mtc-preflight: evidence in, verdicts out, and the one change that is safe to apply."""
