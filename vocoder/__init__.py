"""Mel spectrograms, GAN training and vocoders: the floor that specgan stands on."""
