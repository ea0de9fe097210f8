"""Network prerequisites: which connections MTC needs, and what may block them."""
