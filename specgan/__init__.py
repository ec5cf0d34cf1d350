"""Sound made or changed as a picture: a 2-D GAN on log-mels and a vocoder that renders them."""
