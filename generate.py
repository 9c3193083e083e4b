"""Draw images from a trained generator: ``python generate.py --help``."""

from gan_lightning.generate import main

if __name__ == "__main__":
    main()
