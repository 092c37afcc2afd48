"""Digests of the committed factory model. `main.py train --factory` writes this file."""

FACTORY_SHA256 = "ef9fd1960e3b3de4f6e2ed1288da80d3ae38391032eb1cf0da185a20461382d5"
FACTORY_MANIFEST_SHA256 = "9320c87c59ee4f84918eb53d83dbea17f7ffff9a6d544025a2956fe85a1b9814"
