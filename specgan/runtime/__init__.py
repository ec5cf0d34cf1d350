"""Trained models without torch: a model folder, its functions on ONNX Runtime, and what stands between them."""
