"""Pictures of one's own: files of any size, kind and layout become one set of images."""
