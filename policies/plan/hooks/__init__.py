"""The plan's hooks and the MigHooks that they name."""
