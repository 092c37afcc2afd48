"""The domain of Sallyport: frames, decisions, models, adaptation. No Qt, no camera SDK, no SQL."""
