"""Whatever a user can write or read is in the documentation: nodes, parameters, topics, messages, commands, keys."""

from __future__ import annotations

import argparse
import importlib
import re
from dataclasses import fields
from importlib.metadata import entry_points

import pytest

from metrica import messages
from metrica.dashboard.ingest.app import ROUTES
from metrica.launch.reading.document import KEYS, STORE_KEYS
from metrica.launch.reading.overrides import NODE_KEYS
from metrica.messages import Header, Message
from metrica.registry import load_node_type, node_types
from tests.paths import ROOT
from tests.project.generators import nodes_reference

DOCS = ROOT / "docs"
PAGES = {path.name: path.read_text("utf-8") for path in [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]}
COMMANDS = {e.name: e.value for e in entry_points(group="console_scripts") if e.name.startswith("metrica-")}


def test_the_reference_of_the_nodes_is_up_to_date() -> None:
    assert PAGES["nodes.md"] == nodes_reference().reference(), "run: python docs/make_nodes_reference.py"


@pytest.mark.parametrize("name", sorted(node_types()))
def test_every_node_type_is_described_with_its_parameters_and_topics(name: str) -> None:
    section = PAGES["nodes.md"].partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    cls = load_node_type(name)
    assert cls.__doc__ and cls.__doc__.strip().partition("\n")[0] in section
    for port in [*cls.params, *cls.publishers, *cls.subscriptions]:
        assert f"| `{port}` |" in section, f"{name}.{port}"
    for spec in cls.params.values():
        assert spec.help, f"parameter {name}.{spec.name} has no help"
    for publisher in cls.publishers.values():
        assert publisher.help, f"publisher {name}.{publisher.name} has no help"
    for subscription in cls.subscriptions.values():
        assert subscription.help, f"subscription {name}.{subscription.name} has no docstring"


MESSAGES = [
    value
    for value in vars(messages).values()
    if isinstance(value, type) and (value is Header or (issubclass(value, Message) and value is not Message))
]


@pytest.mark.parametrize("cls", MESSAGES, ids=lambda cls: cls.__name__)
def test_every_message_is_described_with_its_fields(cls: type[Message]) -> None:
    section = PAGES["messages.md"].partition(f"\n## {cls.__name__}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    assert rows == [f.name for f in fields(cls)]


class ParserFound(Exception):
    """Carries the parser of a command out of its `main`."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        super().__init__()
        self.parser = parser


def parser_of(command: str, monkeypatch: pytest.MonkeyPatch) -> argparse.ArgumentParser:
    def stop(self: argparse.ArgumentParser, *_: object, **__: object) -> None:
        raise ParserFound(self)

    module, _, name = COMMANDS[command].partition(":")
    main = getattr(importlib.import_module(module), name)
    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", stop)
    with pytest.raises(ParserFound) as found:
        main([])
    return found.value.parser


def options_and_calls(parser: argparse.ArgumentParser) -> tuple[set[str], set[str]]:
    """The long options of a parser and of those below it, and its subcommands, such as "store add"."""
    options: set[str] = set()
    calls: set[str] = set()
    for action in parser._actions:
        options |= {option for option in action.option_strings if option.startswith("--")}
        for word, inner in action.choices.items() if isinstance(action.choices, dict) else ():
            if isinstance(inner, argparse.ArgumentParser):  # the choices are subcommands
                more, deeper = options_and_calls(inner)
                options |= more
                calls |= {f"{word} {call}" for call in deeper} or {word}
    return options - {"--help"}, calls


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_is_described_with_its_options(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    options, calls = options_and_calls(parser_of(command, monkeypatch))
    about = [text for text in PAGES.values() if command in text]
    assert about, f"no page names {command}"
    missing = {o for o in options if not any(re.search(rf"(?<![\w-]){o}(?![\w-])", text) for text in about)}
    assert missing == set(), f"no page that names {command} has these options"
    missing = {call for call in calls if not any(f"{command} {call}" in text for text in about)}
    assert missing == set(), f"no page has these calls of {command}"


def test_every_endpoint_is_described() -> None:
    for route in ROUTES:
        assert f"{route.method} {route.path}" in PAGES["api.md"]


def test_every_key_of_a_launch_file_is_described() -> None:
    for key in (*KEYS, *STORE_KEYS, *NODE_KEYS):
        assert f"`{key}`" in PAGES["launch-file.md"], key


# The pages themselves.


def anchors(text: str) -> set[str]:
    """The names of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", sorted(PAGES))
def test_every_link_leads_somewhere(name: str) -> None:
    folder = ROOT if name == "README.md" else DOCS
    for target in re.findall(r"\]\(([^)\s]+)\)", PAGES[name]):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (folder / path).resolve() if path else folder / name
        assert file.exists(), f"{name}: {target}"
        if anchor:
            assert anchor in anchors(file.read_text("utf-8")), f"{name}: {target}"


@pytest.mark.parametrize("name", sorted(PAGES))
def test_every_page_can_be_found_from_the_first(name: str) -> None:
    assert name == "README.md" or any(f"{name})" in t or f"{name}#" in t for n, t in PAGES.items() if n != name)


def test_a_recording_that_the_docs_show_takes_the_picture_only() -> None:
    """The sound of many cameras (G.711) has no place in an .mp4, and FFmpeg refuses the whole recording then."""
    shown = [
        line for page in PAGES.values() for line in page.splitlines() if re.match(r"ffmpeg .*rtsp://.*\.mp4$", line)
    ]
    assert shown
    assert [line for line in shown if " -map 0:v " not in line and " -an " not in line] == []
