"""Digests of the committed factory model. `main.py train --factory` writes this file."""

FACTORY_SHA256 = "3c5f2efc11aae0e3cd584cd96f07f341b644c3145b9c9fc56afcbb0557c6ea24"
FACTORY_MANIFEST_SHA256 = "7b3ee524abb9307a8e56b12082840c0fd4f5d88874d5c9b3d72c5c9d0c942197"
