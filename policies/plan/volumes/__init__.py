"""The plan's volumes on the destination: classes, access modes, claims, sizes, quotas."""
