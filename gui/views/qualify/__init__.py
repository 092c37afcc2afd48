"""The qualification of a camera, step by step."""
