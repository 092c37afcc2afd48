"""The streams study: adaptation to a site, unlabelled and with few labels, in sixteen named cells (evaluation.md 5)."""
