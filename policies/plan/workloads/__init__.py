"""The plan's workloads: pods, quotas and limits, rsync's rights, host names of routes."""
