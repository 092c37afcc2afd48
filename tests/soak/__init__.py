"""`make soak`: the real headless station for hours, and whether it keeps what it takes."""
