"""Marshmallow schemas: what goes in and out. The API document is generated from them."""
