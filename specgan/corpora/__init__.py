"""Corpora in the layouts they are published in → recordings; `layouts.find` says which it is. No torch."""
