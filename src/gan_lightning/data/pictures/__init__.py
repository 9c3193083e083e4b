"""Your own pictures: files of any size and kind, in a folder or a zip, become one set of images."""
