"""Noisy speech, mixed on the fly: every mixture is a pure function of a seed and a number. No torch but in batches."""
