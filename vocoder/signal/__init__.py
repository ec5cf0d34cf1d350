"""Tensors and files, no model: audio, mel, STFT, manifests, data."""
