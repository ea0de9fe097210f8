"""Releases: the newest z-stream of OpenShift and MTC, the same MTC everywhere, in support."""
