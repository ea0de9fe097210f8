"""The settings of the MigrationController: what there is, and what a value must be."""
