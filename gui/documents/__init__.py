"""Documents that leave the window: what a person reads, signs and files."""
