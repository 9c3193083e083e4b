"""Training of the classifiers that quality is measured with: ``make extractors``."""
