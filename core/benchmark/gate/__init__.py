"""How good the gate is: power, harm and poisoning (issue: supervised adaptation; evaluation.md section 6)."""
