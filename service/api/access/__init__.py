"""Authentication, authorization, and who can reach the service at all."""
