"""Two-dimensional networks that draw log-mel spectrograms, and their critics."""
