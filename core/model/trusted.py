"""Digests of the committed factory model. `main.py train --factory` writes this file."""

FACTORY_SHA256 = "4f684d300dd9981e8d1fb5f5ea80b530b8316c05c1b4273d9cca15f5bfc3f7b1"
FACTORY_MANIFEST_SHA256 = "eec56aba7d8dc1a19d31f08a12e4c4724ff360c6c49775dc6ebbeb3b38768454"
