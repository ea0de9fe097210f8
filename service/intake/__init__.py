"""Bytes in, model out: loaders, archive readers and one object reader per kind."""
