"""The pure core: the model, the policy base, the engine and the report.

Nothing in here knows of HTTP, files, YAML or clusters; the import contract in the
tests holds that.
"""
