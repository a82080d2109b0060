"""The exceptions of Metrica, in one tree: catch the root, or a branch.

    MetricaError                the text is one sentence that says what to do
    ├── DeclarationError        a node class is written wrongly; raised when it is defined
    ├── ParameterError          a parameter has a wrong value, or is missing
    │   └── InvalidValue        … its value has the wrong type or is out of range
    ├── UnknownNodeType         there is no node type of that name, or it is not a node
    ├── TopicError              a name that is not a topic, or an address that cannot be used
    ├── TransportError          a topic is taken, or a message could not be sent in time
    │   ├── KeysError           a topic over tcp has no keys, or they cannot be used
    │   └── FrameRingError      shared memory is full, missing or not a ring
    │       └── FrameLostError  a frame was overwritten before it was read
    ├── JournalError            the journal cannot be used, and trying again does not help
    │   └── JournalUnavailableError   … but trying again later may help: a full disk
    ├── LifecycleError          the node's state does not allow the transition
    ├── NodeError               a node cannot do its work: no such file, a device that fails, not a detector
    ├── LaunchError             a launch file cannot be run
    │   └── LaunchFileError     … because of mistakes in it: all of them, each with its place
    └── DecodeError             bytes are not a message

The back office adds a few of its own (`metrica.dashboard.database.errors`). `metrica.models` has a root of its own
(`ModelError`), because models can be used without the graph.
"""

from __future__ import annotations

from metrica.messages.errors import DecodeError, MetricaError


class DeclarationError(MetricaError):
    """A node class is written wrongly: a name declared twice, a field that is not a parameter, …"""


class ParameterError(MetricaError):
    """A parameter has a value that it does not take, is unknown, or is missing.

    Args:
        parameter: The parameter's name.
        message: One sentence that says what to do.
        may_pass: What it names is not there at the moment, but may come: a file on a disk that is mounted later. A node
            starts nevertheless, and is started again if it cannot work without it; `metrica-launch --check` says it.
    """

    def __init__(self, parameter: str, message: str, *, may_pass: bool = False) -> None:
        super().__init__(message)
        self.parameter = parameter
        """The parameter's name."""
        self.may_pass = may_pass
        """Whether what is missing may come by itself."""


class TopicError(MetricaError):
    """A name that is not a topic, or an address that cannot be used."""


class TransportError(MetricaError):
    """Another process already publishes the topic, or a message could not be sent."""


class KeysError(TransportError):
    """A topic over tcp has no keys to encrypt it with, or they cannot be read or written."""


class FrameRingError(TransportError):
    """The shared memory for frames is full, missing, or not a ring of Metrica's."""


class JournalError(MetricaError):
    """The journal cannot be opened, read or written. The text names the file and the reason."""


class LifecycleError(MetricaError):
    """The node's state does not allow what was asked: a transition, or publishing from a node that does not run."""


class NodeError(MetricaError):
    """A node cannot do its work; raise it in a hook or a callback. The launcher starts the node again, with back-off.

    Args:
        message: One sentence that says what to do.
        permanent: What cannot change while the launch runs, such as a wrong setting or a file that is no video. Another
            start cannot help, so the launcher gives the node up. A file or a device that is missing may come.
    """

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent
        """Whether another start cannot help."""


class LaunchError(MetricaError):
    """A launch file cannot be run: another launcher uses the run folder, a node did not start, …"""


__all__ = [
    "DeclarationError",
    "DecodeError",
    "FrameRingError",
    "JournalError",
    "KeysError",
    "LaunchError",
    "LifecycleError",
    "MetricaError",
    "NodeError",
    "ParameterError",
    "TopicError",
    "TransportError",
]
