"""Names that libraries can open: FFmpeg takes `08:15.mp4` for an address, OpenCV dies of a name that is not UTF-8."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def library_name(path: Path) -> Generator[str]:
    """A name under which any library can open an existing file or folder, while the context lasts.

    It is the absolute path, which no library takes for an address or an option. A path that is not UTF-8 has another
    name through its descriptor, under /proc. Raises OSError if the file cannot be opened.
    """
    whole = str(path.absolute())
    try:
        whole.encode()
    except UnicodeEncodeError:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
    else:
        yield whole
