"""Digests of the committed factory model. `main.py train --factory` writes this file."""

FACTORY_SHA256 = "331460636376eef4b297cae8cdddb333974cc852d3ee9b14d2f00d3de4a4da2c"
FACTORY_MANIFEST_SHA256 = "3a621466066b688002c015cae65a7ba6689f6f8f2553ab41c33cea5176cb755f"
