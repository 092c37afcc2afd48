"""The model: inputs, three-branch network, relief baseline, bundles of weights."""
