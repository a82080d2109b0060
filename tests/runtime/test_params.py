"""Parameters: what each type takes, and the exact sentence for what it does not take."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrica import Node, param
from metrica.errors import ParameterError
from metrica.logs import JsonFormatter
from metrica.params import InvalidValue, ParamSpec
from metrica.transport import NodeSpec


def declared(hint: Any, **options: Any) -> ParamSpec:
    """A parameter `p` of a type, as a node class would have it."""
    spec: Any = param(**options)
    return spec.named("p", hint)


Anchor = Literal["center", "top_center", "bottom_center"]
Line = tuple[int, int, int, int]


@pytest.mark.parametrize(
    ("hint", "options", "value", "read"),
    [
        (int, {}, 5, 5),
        (int, {}, "5", 5),
        (int, {}, 5.0, 5),
        (int, {"ge": 1, "le": 5}, 5, 5),
        (float, {}, "1e3", 1000.0),
        (float, {}, 2, 2.0),
        (bool, {}, "yes", True),
        (bool, {}, "off", False),
        (bool, {}, True, True),
        (bool | None, {}, True, True),
        (str, {}, "5", "5"),
        (str, {}, "", ""),
        (Path, {}, "a/b", Path("a/b")),
        (Anchor, {}, "center", "center"),
        (Literal[5, 10], {}, 10, 10),
        (Literal[True, "auto"], {}, True, True),
        (int | None, {"ge": 1}, None, None),
        (int | None, {"ge": 1}, "3", 3),
        (Line, {}, ["0", 360, 1280.0, 360], (0, 360, 1280, 360)),
        (list[str], {}, ("a", "b"), ["a", "b"]),
        (tuple[float, ...], {}, [1, "2"], (1.0, 2.0)),
        (dict[str, Line], {}, {"door": [0, 1, 2, 3]}, {"door": (0, 1, 2, 3)}),
        (Any, {}, {"anything": 1}, {"anything": 1}),
    ],
)
def test_a_value_is_read_as_the_declared_type(hint: Any, options: dict[str, Any], value: object, read: object) -> None:
    got = declared(hint, **options).read(value)
    assert (got, type(got)) == (read, type(read))


@pytest.mark.parametrize(
    ("hint", "options", "value", "sentence"),
    [
        (int, {}, "five", "'p' must be a whole number, not 'five'"),
        (int, {}, 3.5, "'p' must be a whole number, not 3.5"),
        (int, {}, True, "'p' must be a whole number, not True"),
        (int, {}, None, "'p' must be a whole number, not None"),
        (int, {}, [1], "'p' must be a whole number, not [1]"),
        (int, {"ge": 1, "unit": "frames"}, 0, "'p' must be at least 1 frames, not 0"),
        (int, {"le": 8_388_608}, 8_388_609, "'p' must be at most 8388608, not 8388609"),
        (float, {"gt": 0, "unit": "s"}, 0, "'p' must be more than 0 s, not 0"),
        (float, {"lt": 0.25}, "0.25", "'p' must be less than 0.25, not '0.25'"),
        (float, {}, "fast", "'p' must be a number, not 'fast'"),
        (float, {}, "nan", "'p' must be a number, not 'nan'"),
        (float, {}, float("inf"), "'p' must be a number, not inf"),
        (float, {"ge": 0}, float("nan"), "'p' must be a number, not nan"),
        (float, {}, False, "'p' must be a number, not False"),
        (bool, {}, "perhaps", "'p' must be true or false, not 'perhaps'"),
        (bool, {}, 2, "'p' must be true or false, not 2"),
        (str, {}, 5, "'p' must be a text, not 5"),
        (str, {}, ["x" * 100], "'p' must be a text, not ['" + "x" * 77 + "…"),
        (Path, {}, 5, "'p' must be a path, not 5"),
        (
            Anchor,
            {},
            "centre",
            "'p' must be one of 'center', 'top_center', 'bottom_center', not 'centre': did you mean 'center'?",
        ),
        (Anchor, {}, "x", "'p' must be one of 'center', 'top_center', 'bottom_center', not 'x'"),
        (Literal[5, 10], {}, "x", "'p' must be one of 5, 10, not 'x'"),
        (int | None, {"ge": 1}, 0, "'p' must be at least 1, not 0"),
        (int | None, {}, "x", "'p' must be a whole number, or null, not 'x'"),
        (int | str, {}, [], "'p' must be a whole number or a text, not []"),
        (Line, {}, [1, 2, 3], "'p' must be 4 whole numbers, not [1, 2, 3]"),
        (Line, {}, [1, 2, 3, 4, 5], "'p' must be 4 whole numbers, not [1, 2, 3, 4, 5]"),
        (Line, {}, "1,2,3,4", "'p' must be 4 whole numbers, not '1,2,3,4'"),
        (Line, {}, [1, 2, 3, "x"], "'p'[3] must be a whole number, not 'x'"),
        (list[str], {}, [5], "'p'[0] must be a text, not 5"),
        (list[str], {}, "a", "'p' must be a list of texts, not 'a'"),
        (list[Anchor], {}, ["up"], "'p'[0] must be one of 'center', 'top_center', 'bottom_center', not 'up'"),
        (tuple[int, str], {}, [1, 2], "'p'[1] must be a text, not 2"),
        (dict[str, Line], {}, {"door": [1]}, "'p'[door] must be 4 whole numbers, not [1]"),
        (dict[str, Line], {}, {"door": [1, 2, 3, None]}, "'p'[door][3] must be a whole number, not None"),
        (dict[str, int], {}, {5: 1}, "'p' must be a mapping of names to a whole number, not {5: 1}"),
        (dict[str, int], {}, [5], "'p' must be a mapping of names to a whole number, not [5]"),
    ],
)
def test_a_value_that_does_not_fit_is_one_exact_sentence(
    hint: Any, options: dict[str, Any], value: object, sentence: str
) -> None:
    with pytest.raises(InvalidValue) as caught:
        declared(hint, **options).read(value)
    assert str(caught.value) == sentence
    assert caught.value.parameter == "p"


def test_the_path_of_an_error_leads_to_the_item_that_is_wrong() -> None:
    with pytest.raises(InvalidValue) as caught:
        declared(dict[str, Line]).read({"door": [1, 2, 3, 4], "back": [1, "x", 3, 4]})
    assert caught.value.path == ("back", 1)
    with pytest.raises(InvalidValue) as caught:
        declared(dict[str, Line]).read({"back": [1, 2]})
    assert caught.value.path == ("back",), "an item that is missing cannot be pointed at, the list can"


class Door(Node):
    """A node with parameters."""

    line: tuple[int, int, int, int] = param(unit="px")
    min_age: int = param(default=3, ge=1, unit="frames")
    names: list[str] = param(default_factory=list[str])
    password: str = param(default="", secret=True)


def test_a_node_takes_its_parameters_as_keywords_and_fills_in_defaults() -> None:
    node = Door(line=(0, 1, 2, 3))
    assert (node.line, node.min_age, node.names, node.password) == ((0, 1, 2, 3), 3, [], "")
    assert Door(line=(0, 1, 2, 3)).names is not node.names


@pytest.mark.parametrize(
    ("given_", "parameter", "sentence"),
    [
        ({}, "line", "Door needs its parameter 'line' (4 whole numbers)"),
        ({"line": [0] * 4, "min_agee": 1}, "min_agee", "Door has no parameter 'min_agee': did you mean 'min_age'?"),
        ({"line": [0] * 4, "zzz": 1}, "zzz", "Door has no parameter 'zzz'"),
        ({"line": [0] * 4, "min_age": 0}, "min_age", "'min_age' must be at least 1 frames, not 0"),
    ],
)
def test_what_a_node_is_given_wrongly_is_one_sentence(given_: dict[str, Any], parameter: str, sentence: str) -> None:
    with pytest.raises(ParameterError) as caught:
        Door(**given_)
    assert str(caught.value) == sentence
    assert caught.value.parameter == parameter


SECRETS: list[tuple[Any, dict[str, Any], Any]] = [
    (str, {}, ["hunter22"]),
    (int, {"ge": 0}, "hunter22"),
    (int, {"ge": 100}, 7_654_321 - 7_654_300),
    (Literal["hunter11", "b"], {}, "hunter22"),
    (dict[str, int], {}, {"store": "hunter22"}),
    (list[int], {}, ["hunter22"]),
    (dict[str, str], {}, {7: "hunter22"}),
    (bool, {}, "hunter22"),
    (int, {}, True),
]


@pytest.mark.parametrize(("hint", "options", "value"), SECRETS)
def test_a_secret_is_never_shown_in_an_error(hint: Any, options: dict[str, Any], value: Any) -> None:
    with pytest.raises(InvalidValue) as caught:
        declared(hint, secret=True, **options).read(value)
    assert "hunter22" not in str(caught.value)
    assert "hunter22" not in repr(caught.value)
    assert str(caught.value).endswith(", not a secret")
    shown = logging.LogRecord("x", logging.ERROR, "", 0, "failed", (), (type(caught.value), caught.value, None))
    assert "hunter22" not in JsonFormatter("/n").format(shown)


def test_a_description_of_a_node_that_cannot_be_read_does_not_show_what_was_in_it() -> None:
    with pytest.raises(ValueError, match="NodeSpec") as caught:
        NodeSpec.model_validate_json('{"name": "/a", "params": {"token": "hunter22"}, "surprise": "hunter22"}')
    assert "hunter22" not in str(caught.value)


JUNK: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.integers(), inner, max_size=4),
    max_leaves=8,
)
HINTS: list[Any] = [
    int,
    float,
    bool,
    str,
    Anchor,
    Line,
    list[Anchor],
    dict[str, Line],
    int | None,
    Path,
    list[int | str],
]


@given(st.sampled_from(HINTS).map(declared), JUNK)
def test_whatever_is_given_is_read_or_refused_in_one_sentence(spec: ParamSpec, value: Any) -> None:
    try:
        read = spec.read(value)
    except InvalidValue as error:
        assert str(error).startswith("'p'")
        assert " must be " in str(error)
        assert len(str(error)) < 400
    else:
        assert spec.read(read) == read, "reading again changes nothing"
