"""One module per prerequisite area, one class per prerequisite."""
