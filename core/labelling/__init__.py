"""Labels that a second person gives without seeing the first: rules, draw, figures."""
