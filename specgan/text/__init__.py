"""Text to phonemes: normalisation, sentences, espeak-ng, a user's lexicon, symbols. No torch."""
