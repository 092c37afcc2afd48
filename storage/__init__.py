"""SQLite: the catalogue, the per-session frame stores, the model registry, import, export, backup."""
