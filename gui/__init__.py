"""The window. Qt is imported only inside this package; torch and the camera SDK never are."""
