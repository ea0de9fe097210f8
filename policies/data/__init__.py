"""What was published outside of any cluster: tables, each with its source."""
