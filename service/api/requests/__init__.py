"""Requests to evidence: bodies, forms, queries, and what holds for every request."""
