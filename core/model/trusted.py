"""Digests of the committed factory model. `main.py train --factory` writes this file."""

FACTORY_SHA256 = "3d790e2f514a584530aed15f0042ec461995ec8a7264fb07843b48268396629a"
FACTORY_MANIFEST_SHA256 = "3e951c30bbaf5674945285eba5c180d4450429a26f2e370a185cd2deb9a95954"
