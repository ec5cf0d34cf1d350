"""GAN training for any task; knows no audio."""
