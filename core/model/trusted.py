"""Digests of the committed factory model. `main.py train --factory` writes this file."""

FACTORY_SHA256 = "d2d741b31e82e467cdf7f62154b9433c05760a67410b2266938e149b096ddd2f"
FACTORY_MANIFEST_SHA256 = "710f5d24dc539038d164932de9f5580f4c42342cfa30fc69cb41812d7a7a95ff"
