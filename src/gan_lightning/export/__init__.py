"""The verb ``export.py``: a generator to give away, with programs that need torch or ONNX alone."""
