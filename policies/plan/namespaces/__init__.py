"""The plan's namespaces on both sides: names, lengths, mappings, ids, what is there already."""
