"""Training of a source model on simulated scenes."""
