"""Documents to objects of the model: by path and kind, one reader a kind."""
