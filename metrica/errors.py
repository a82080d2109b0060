"""One tree of exceptions: catch a branch, or the root.

    MetricaError                the text is one sentence for a person to act on
    ├── DeclarationError        a node class is written wrongly; raised when it is defined
    ├── ParameterError          a value that a parameter does not take, or a parameter that is missing
    │   └── InvalidValue        … of the wrong type or out of range
    ├── UnknownNodeType         there is no node type of that name, or it is not a node
    ├── TopicError              a name that is not a topic, or an address that cannot be used
    ├── TransportError          a topic that is taken, a send that timed out
    │   └── FrameRingError      shared memory that is full, missing or not a ring
    │       └── FrameLostError  a frame that was overwritten before it was read
    ├── JournalError            the journal cannot be opened or written, ever
    │   └── JournalUnavailableError   … now, but it may be later: a full disk
    ├── LifecycleError          a transition that the state does not allow
    ├── NodeError               a node cannot do its work: no such file, a wrong password, not a detector
    ├── LaunchError             a launch file cannot be run
    │   └── LaunchFileError     … because of what is in it: every mistake, each with its place
    └── DecodeError             bytes that are not a message

The back office adds a few of its own (`metrica.dashboard.store.errors`). `metrica.models` has a root of its own
(`ModelError`), because model cards know nothing of the graph.
"""

from __future__ import annotations

from metrica.messages.errors import DecodeError, MetricaError


class DeclarationError(MetricaError):
    """A node class is written wrongly: two ports of one name, a field that is no parameter, …"""


class ParameterError(MetricaError):
    """A value that a parameter does not take. `parameter` names it."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(message)
        self.parameter = parameter


class TopicError(MetricaError):
    """A name that is not a topic, or an address that cannot be used."""


class TransportError(MetricaError):
    """A topic that another process publishes already, or a message that could not be sent."""


class FrameRingError(TransportError):
    """Shared memory for frames that is full, missing, or not a ring of ours."""


class JournalError(MetricaError):
    """The journal cannot be opened, read or written; the text says which file and why."""


class LifecycleError(MetricaError):
    """A lifecycle transition that the node's state does not allow."""


class NodeError(MetricaError):
    """A node cannot do its work and says why; the launcher restarts it with back-off.

    `permanent`: trying again cannot help (a file that does not exist), so the launcher gives up at once.
    """

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


class LaunchError(MetricaError):
    """A launch file cannot be run: another launcher has the run folder, a node did not come up, …"""


__all__ = [
    "DeclarationError",
    "DecodeError",
    "FrameRingError",
    "JournalError",
    "LaunchError",
    "LifecycleError",
    "MetricaError",
    "NodeError",
    "ParameterError",
    "TopicError",
    "TransportError",
]
