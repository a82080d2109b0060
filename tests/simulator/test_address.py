"""`sim://` addresses: the settings that they give, and one sentence for each mistake."""

from __future__ import annotations

import pytest

from metrica.errors import ParameterError
from metrica.nodes.capture.address import Kind, read_address
from metrica.nodes.capture.node import Capture
from metrica.simulator.address import PARAMETERS, read_sim_address


def test_an_address_says_which_place_and_how() -> None:
    settings = read_sim_address("sim://ceiling?seed=7&visitors_per_hour=12.5&night=1")
    assert (settings.kind, settings.seed, settings.visitors_per_hour) == ("ceiling", 7, 12.5)
    assert (settings.night, settings.width) == (1, 640)
    assert read_sim_address("SIM://").kind == "entrance"
    assert read_address("sim://entrance?seed=7").kind is Kind.SIM


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("sim://entrence", "no simulated place 'entrence': did you mean 'entrance'"),
        ("sim://castle", "there are entrance, ceiling, shopfront"),
        ("sim://entrance?sed=7", "has no 'sed': did you mean 'seed'"),
        ("sim://entrance?xyzzy=7", "it knows seed, visitors_per_hour"),
        ("sim://entrance?seed=seven", "'seed=seven' is not a whole number"),
        ("sim://entrance?seed=1.5", "'seed=1.5' is not a whole number"),
        ("sim://entrance?fps=", "'fps=' is not a number"),
        ("sim://entrance?fps=nan", "'fps' must lie between 1 and 30, not nan"),
        ("sim://entrance?seed=1&seed=2", "'seed' is given twice"),
        ("sim://entrance?visitors_per_hour=-1", "'visitors_per_hour' must lie between 0 and 3600, not -1"),
        ("sim://entrance?width=100000", "'width' must lie between 160 and 1920"),
    ],
)
def test_a_mistake_is_one_sentence_that_says_what_to_do(uri: str, words: str) -> None:
    with pytest.raises(ParameterError, match=words) as error:
        Capture(uri=uri).check()
    assert error.value.parameter == "uri"
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", [f.name for f in PARAMETERS])
def test_every_parameter_has_limits_and_is_described(name: str) -> None:
    parameter = next(f for f in PARAMETERS if f.name == name)
    with pytest.raises(ParameterError, match=f"'{name}' must lie between"):
        read_sim_address(f"sim://entrance?{name}={int(parameter.metadata['high'] + 1)}")
    assert parameter.metadata["about"]
