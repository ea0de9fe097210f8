"""Snapshot copies: a provider with snapshots, the same provider, region and storage class."""
