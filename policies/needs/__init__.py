"""What the migration's own objects need: room, places, rights, operators and settings."""
