"""The methods that the streams study compares."""
