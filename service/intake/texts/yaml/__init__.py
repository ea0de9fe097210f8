"""YAML: what clusters print at native speed, everything else as PyYAML reads it."""
