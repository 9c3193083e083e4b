"""A generator to give away: weights and configuration, programs that need torch or ONNX alone, and a model card."""
