"""What can go wrong, said for the person who has to fix it."""


class ImageError(Exception):
    """Base of every error of this package; its text names the place, the finding and the remedy."""


class LayoutError(ImageError):
    """The layout file or a source it names cannot become an image."""


class IllegalName(ImageError):
    """A file or folder name that FAT32 cannot hold."""


class TooLarge(ImageError):
    """A file, folder or volume beyond what FAT32 can describe."""


class NoSpace(ImageError):
    """The volume has too few free clusters for what should be written."""


class NotFound(ImageError):
    """The image holds no such file."""


class CorruptImage(ImageError):
    """The image contradicts itself or the formats it claims to follow."""
