"""The forms that people write by hand: envelope, descriptor, facts, probes."""
