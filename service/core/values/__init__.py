"""Texts as others read them: versions, quantities, images, Go URLs, YAML, the Stunnel proxy."""
