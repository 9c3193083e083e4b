"""Write a trained generator as files for others to use: ``python export.py --help``."""

from gan_lightning.export.command import main

if __name__ == "__main__":
    main()
