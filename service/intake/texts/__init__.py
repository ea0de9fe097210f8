"""Texts to documents: JSON, NDJSON and YAML, with the place of every error and value."""
