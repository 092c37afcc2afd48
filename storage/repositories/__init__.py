"""The catalogue's aggregates, one small file each: the record that a reader gets, and the repository that keeps it."""
