"""Digests of the committed factory model. `main.py train --factory` writes this file."""

FACTORY_SHA256 = "8c0a3fed6aa1745e756b68160359ca12f00eb680891a1db24cb2909c6ffccfed"
FACTORY_MANIFEST_SHA256 = "ac441962b6f5664aca8a217be924598add9bd9f682eaf5e3aaac3f9f15d329a4"
