"""Who may call, and who can reach the service at all."""
