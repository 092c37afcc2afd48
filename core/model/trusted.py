"""Digests of the committed factory model. `main.py train --factory` writes this file."""

FACTORY_SHA256 = "8c0a3fed6aa1745e756b68160359ca12f00eb680891a1db24cb2909c6ffccfed"
FACTORY_MANIFEST_SHA256 = "ef859434ae4bbc02fc116fba40263f436757c3428a28b79ee9841571267e5f7f"
