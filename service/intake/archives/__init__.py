"""Archives to members: tar and zip, streamed, with every cost bounded."""
