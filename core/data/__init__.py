"""Data sets: manifests of captures, hybrids of real captures."""
