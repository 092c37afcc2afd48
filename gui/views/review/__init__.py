"""Looking at stored sessions."""
