"""The structure of a launch file: which keys there are and what stands under them; nodes are not looked into yet."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from metrica.context import JOURNAL_DAYS, user_data_dir
from metrica.errors import TopicError
from metrica.launch.reading.problems import Problems, suggest
from metrica.launch.reading.source import Place, Source
from metrica.launch.reading.substitute import Scope
from metrica.launch.reading.tree import KeyValue, Mapping, Text, Tree, describe
from metrica.topics import check_name, check_topic

SYNTAX = "1"
"""The version of the launch file's syntax that is read here."""
KEYS = ("metrica", "store", "cameras", "per_camera", "nodes", "data", "journal_days", "endpoints")
"""The keys that a launch file may have at the top."""
STORE_KEYS = ("id", "timezone")
"""The keys that `store` must have."""
_STORE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_ENDPOINT = re.compile(r"tcp://(\[[0-9A-Fa-f:]+\]|[^\s:/\[\]*]+):([0-9]{1,5})")


@dataclass
class Document:
    """A launch file, read."""

    source: Source
    """The text that was read, for the places of errors."""
    store: str = "store"
    """The store's id; `store` if the file names no store."""
    timezone: str = "UTC"
    """The store's time zone, an IANA name such as Africa/Tunis."""
    data: Path | None = None
    """The folder that the file gives under `data`; None if it gives none."""
    journal_days: int = JOURNAL_DAYS
    """How long the journal keeps events at most, days."""
    cameras: dict[str, Mapping] = field(default_factory=dict[str, Mapping])
    """Camera name -> what the file says about the camera; substitutions are not done yet."""
    per_camera: dict[str, KeyValue] = field(default_factory=dict[str, KeyValue])
    """Node name -> its entry under `per_camera`, of which one node is started for each camera."""
    nodes: dict[str, KeyValue] = field(default_factory=dict[str, KeyValue])
    """Node name -> its entry under `nodes`, of which one node is started."""
    endpoints: dict[str, Text] = field(default_factory=dict[str, Text])
    """Topic name -> its explicit tcp:// address. The place of each text is that of the topic's key, for errors."""

    @property
    def data_dir(self) -> Path:
        """The folder of the store's files: `data:` of the launch file, or the user's data folder."""
        return self.data or user_data_dir() / self.store


def read_document(source: Source, tree: Tree | None, folder: Path, scope: Scope) -> Document:
    """Read a tree as a launch file. Mistakes are added to the scope's problems.

    folder: the launch file's folder; a relative `data:` starts there.
    """
    document = Document(source)
    if tree is None:
        if not scope.problems:
            scope.problems.add(Place(source), "the file is empty: a launch file begins with 'metrica: 1'")
        return document
    if not isinstance(tree, Mapping):
        place = Place(source, tree.place.line, tree.place.column, tree.place.line, tree.place.column + 1)
        message = f"a launch file is a mapping that begins with 'metrica: 1', not {describe(tree)}"
        scope.problems.add(place, message)
        return document
    _Reader(document, tree, folder, scope).read()
    return document


def read_mapping(entry: KeyValue, what: str, problems: Problems) -> dict[str, KeyValue]:
    """The entries of the mapping under a key: none for an empty value. Any other value is a problem."""
    if isinstance(entry.value, Mapping):
        return entry.value.entries
    if not (isinstance(entry.value, Text) and entry.value.is_null):
        problems.add(entry.value.place, f"{what} must be a mapping, not {describe(entry.value)}")
    return {}


def read_text(entry: KeyValue, what: str, problems: Problems) -> str | None:
    """The text under a key, or None if it is not a text, which is then a problem."""
    if isinstance(entry.value, Text) and not entry.value.is_null:
        return entry.value.value
    problems.add(entry.value.place, f"{what} must be a text, not {describe(entry.value)}")
    return None


def check_keys(entries: dict[str, KeyValue], known: Sequence[str], owner: str, problems: Problems) -> None:
    """Add a problem, with the nearest known key as a hint, for each key that is not known."""
    for name, entry in entries.items():
        if name not in known:
            hint = suggest(name, known) or f"there are {', '.join(known)}"
            problems.add(entry.key.place, f"{owner} has no key '{name}'", hint)


class _Reader:
    def __init__(self, document: Document, tree: Mapping, folder: Path, scope: Scope) -> None:
        self.document, self.top, self.folder = document, tree.entries, folder
        self.scope, self.problems = scope, scope.problems

    def read(self) -> None:
        check_keys(self.top, KEYS, "a launch file", self.problems)
        self._version()
        self._store()
        self._data()
        self._journal_days()
        self._cameras()
        self.document.per_camera = self._nodes("per_camera")
        self.document.nodes = self._nodes("nodes")
        self._endpoints()
        self._check_together()

    def _version(self) -> None:
        entry = self.top.get("metrica")
        if entry is None:
            place = Place(self.document.source, 0, 0, 0, len(self.document.source.lines[0]))
            self.problems.add(place, "a launch file says the version of its syntax first", "add 'metrica: 1'")
        elif not (isinstance(entry.value, Text) and entry.value.value == SYNTAX):
            self.problems.add(
                entry.value.place, f"this program reads version {SYNTAX} of the syntax", f"write 'metrica: {SYNTAX}'"
            )

    def _store(self) -> None:
        entry = self.top.get("store")
        if entry is None:
            if cameras := self.top.get("cameras"):
                hint = "add 'store: {id: …, timezone: Continent/City}'"
                self.problems.add(cameras.key.place, "cameras belong to a store, and none is named", hint)
            return
        entries = read_mapping(entry, "'store'", self.problems)
        check_keys(entries, STORE_KEYS, "a store", self.problems)
        if not isinstance(entry.value, Mapping):
            return
        for key in STORE_KEYS:
            if key not in entries:
                self.problems.add(
                    entry.key.place, f"the store's '{key}' is missing", "write 'store: {id: …, timezone: …}'"
                )
            elif (text := self._text(entries[key], f"the store's '{key}'")) is None:
                continue
            elif key == "id":
                self._id(text, entries[key].value.place)
            else:
                self._timezone(text, entries[key].value.place)

    def _id(self, text: str, place: Place) -> None:
        self.document.store = text
        if not _STORE_ID.fullmatch(text):
            self.problems.add(place, f"'{text}' is not a store's id: use letters, digits, '-', '_' and '.'")

    def _timezone(self, text: str, place: Place) -> None:
        try:
            zoneinfo.ZoneInfo(text)
        except (KeyError, ValueError, OSError):
            zones = sorted(zoneinfo.available_timezones())
            cities = {zone.rpartition("/")[2]: zone for zone in zones}
            hint = f"did you mean '{cities[text]}'?" if text in cities else suggest(text, zones)
            self.problems.add(place, f"'{text}' is not a time zone: use an IANA name such as Africa/Tunis", hint)
        else:
            self.document.timezone = text

    def _data(self) -> None:
        if (entry := self.top.get("data")) and (text := self._text(entry, "'data'")):
            try:
                self.document.data = self.folder / Path(text).expanduser()
            except RuntimeError:
                self.problems.add(entry.value.place, f"'{text}' cannot be found: there is no such home folder")

    def _journal_days(self) -> None:
        if (entry := self.top.get("journal_days")) and (text := self._text(entry, "'journal_days'")):
            if re.fullmatch("[0-9]{1,5}", text) and int(text) > 0:
                self.document.journal_days = int(text)
            else:
                self.problems.add(entry.value.place, f"'journal_days' is a whole number of days, not '{text}'")

    def _cameras(self) -> None:
        if (entry := self.top.get("cameras")) is None:
            return
        for name, camera in read_mapping(entry, "'cameras'", self.problems).items():
            if self._named(camera, "camera name"):
                read_mapping(camera, f"camera '{name}'", self.problems)
                value = camera.value
                self.document.cameras[name] = value if isinstance(value, Mapping) else Mapping(value.place)

    def _nodes(self, group: str) -> dict[str, KeyValue]:
        if (entry := self.top.get(group)) is None:
            return {}
        entries = read_mapping(entry, f"'{group}'", self.problems)
        return {name: node for name, node in entries.items() if self._named(node, "node name")}

    def _endpoints(self) -> None:
        if (entry := self.top.get("endpoints")) is None:
            return
        taken: dict[str, str] = {}
        for topic, item in read_mapping(entry, "'endpoints'", self.problems).items():
            try:
                check_topic(topic)
            except TopicError as error:
                self.problems.add(item.key.place, str(error))
                continue
            if not topic.startswith("/"):
                self.problems.add(
                    item.key.place, "an endpoint needs the topic's whole name", f"did you mean '/{topic}'?"
                )
            elif (text := self._text(item, "an endpoint")) is not None:
                match = _ENDPOINT.fullmatch(text)
                if not match or not 0 < int(match[2]) < 65536:
                    hint = "such as tcp://127.0.0.1:5560"
                    self.problems.add(item.value.place, f"'{text}' is not an endpoint tcp://HOST:PORT", hint)
                elif text in taken:
                    self.problems.add(item.value.place, f"{taken[text]} has this endpoint already")
                else:
                    taken[text] = topic
                    self.document.endpoints[topic] = Text(item.key.place, text)

    def _check_together(self) -> None:
        document = self.document
        for name, entry in document.nodes.items():
            if name in document.per_camera:
                first = document.per_camera[name].key.place
                message = f"there is a node '{name}' under 'per_camera' already, on line {first.line + 1}"
                self.problems.add(entry.key.place, message)
        if document.per_camera and self._is_empty("cameras"):
            place = self.top["per_camera"].key.place
            self.problems.add(
                place, "these nodes are started once per camera, and there is no camera", "add 'cameras:'"
            )
        if self._is_empty("per_camera") and self._is_empty("nodes"):
            place = Place(document.source, 0, 0, 0, len(document.source.lines[0]))
            self.problems.add(place, "there is no node to start", "add 'nodes:'")

    def _is_empty(self, key: str) -> bool:
        value = self.top[key].value if key in self.top else None
        return value is None or (isinstance(value, Text) and value.is_null) or value == Mapping(value.place)

    def _named(self, entry: KeyValue, what: str) -> bool:
        try:
            check_name(entry.key.value, what)
        except TopicError as error:
            self.problems.add(entry.key.place, str(error))
            return False
        return True

    def _text(self, entry: KeyValue, what: str) -> str | None:
        value = self.scope.resolve(entry.value)
        return None if value is None else read_text(KeyValue(entry.key, value), what, self.problems)
