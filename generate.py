"""Draw images from a trained generator: ``python generate.py --help``."""

from gan_lightning.generate.command import main

if __name__ == "__main__":
    main()
