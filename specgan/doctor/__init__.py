"""What is wrong with recordings, transcripts, mels and models before time is spent on them: `specgan doctor`."""
