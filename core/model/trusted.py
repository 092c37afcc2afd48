"""Digests of the committed factory model. `main.py train --factory` writes this file."""

FACTORY_SHA256 = "3c177273234f7f9df1aee6a7a6ac1e23b1b4510aa0434f91df6686fe6a124bc6"
FACTORY_MANIFEST_SHA256 = "adb86f6e960f2a5b20e5a431dafcbb6160df8e717432bcf8ead8eaad68bd4879"
