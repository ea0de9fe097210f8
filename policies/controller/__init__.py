"""The MigrationController's settings, and what its controller says itself."""
