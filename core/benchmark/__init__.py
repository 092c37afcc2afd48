"""The scenes benchmark: tables, methods, protocols, statistics, guarantees and realism."""
