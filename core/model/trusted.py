"""Digests of the committed factory model. `main.py train --factory` writes this file."""

FACTORY_SHA256 = "55bf292e24ebbf3df47b90d3020747bb01bfe8cf4e4080081647e76d3dadb2f6"
FACTORY_MANIFEST_SHA256 = "954f4649eb9af8997b52aa9c07b4e1bd6f944a23b6a5f3161bcd966e7593ef0b"
