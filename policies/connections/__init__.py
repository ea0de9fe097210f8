"""What MTC is connected to: MigClusters and the replication repository's MigStorage."""
