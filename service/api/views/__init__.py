"""The endpoints: one module each, with its contract at the view."""
