"""The evidence itself: fresh, free of contradictions, and complete."""
