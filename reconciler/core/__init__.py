"""The words that engine and kinds both speak; imports nothing of ours."""
