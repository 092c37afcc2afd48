"""Cameras behind one protocol. The SDK (pyrealsense2) is imported only inside this package, and lazily."""
