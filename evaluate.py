"""Measure a trained generator or a folder of images: ``python evaluate.py --help``."""

from gan_lightning.evaluate.command import main

if __name__ == "__main__":
    main()
