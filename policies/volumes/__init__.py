"""The volumes of the plan: valid, bound, and possible to copy or move."""
