"""How an attacker who may change pixels, or instruments, fares against a model; and whether explanations hold.

Perturbations of pixels measure the model: who can change them in the station has already left the sensor behind, and
is met by the device checks (reliability.md section 5). The red team stays within what an instrument can be.
"""
