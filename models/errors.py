"""The errors of this package. They stand alone: model cards know nothing of the graph, nor of its exceptions.

ModelError              a model that cannot be found, read, fetched or used
├── MissingFileError    a file of it cannot be read at the moment: it is not there, or may not be read
└── DeviceError         the device is not there, or does not work at the moment
"""

from __future__ import annotations


class ModelError(Exception):
    """A model that cannot be found, read, fetched or used; the text is one sentence that says what to do."""


class MissingFileError(ModelError):
    """A file of the model cannot be read at the moment: its disk may come later, or somebody may fetch it."""


class DeviceError(ModelError):
    """The device is not there, or does not work at the moment: its driver may have crashed. Another one may do."""
