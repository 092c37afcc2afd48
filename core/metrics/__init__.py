"""ISO/IEC 30107-3 figures with their confidence bounds: from trials to rates, blocks, DET points and histograms."""
