"""Digests of the committed factory model. `main.py train --factory` writes this file."""

FACTORY_SHA256 = "4f684d300dd9981e8d1fb5f5ea80b530b8316c05c1b4273d9cca15f5bfc3f7b1"
FACTORY_MANIFEST_SHA256 = "b35dd34045a7641e21369a326ff76219f469aead64abea6da6d404d85a117cb9"
