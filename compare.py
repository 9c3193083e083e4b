"""Compare runs and sweeps: ``python compare.py --help``."""

from gan_lightning.compare.command import main

if __name__ == "__main__":
    main()
