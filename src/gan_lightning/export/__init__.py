"""The verb ``export.py``: a generator as files for others, with programs that need nothing but torch or ONNX."""
