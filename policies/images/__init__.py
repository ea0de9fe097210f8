"""Images: the registries are exposed, their routes are known, and shared images exist."""
