"""Draw images from a trained generator: ``python generate.py --help``."""

import signal

if __name__ == "__main__":
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback if Ctrl-C comes before the first import is done
    from gan_lightning.terminal import generate

    generate()
