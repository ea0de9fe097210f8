"""What the migration's own objects need: free space, nodes, rights, operators and settings."""
