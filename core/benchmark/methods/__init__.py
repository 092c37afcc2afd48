"""The methods that the study compares, each in its own file; ``style`` in a name: not the paper's own system."""
