"""The objects that policies read, as frozen dataclasses, grouped by API area."""
