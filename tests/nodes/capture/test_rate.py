"""The choice of frames at a steady rate, and the recognition of stale ones."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrica.nodes.capture.freshness import Freshness
from metrica.rate import RateGate, RateMeter


@given(source=st.floats(1, 60), target=st.floats(0.5, 60))
def test_the_gate_gives_the_lower_of_both_rates(source: float, target: float) -> None:
    gate = RateGate(target)
    seconds = 20
    kept = [k for k in range(int(source * seconds)) if gate.wants(k / source)]
    assert len(kept) == pytest.approx(min(source, target) * seconds, rel=0.05, abs=2)


def test_a_camera_that_jitters_around_the_target_rate_loses_nothing() -> None:
    chance = random.Random(1)
    gate = RateGate(10)
    assert all(gate.wants(k / 10 + chance.uniform(-0.01, 0.01)) for k in range(300))


def test_a_gap_or_a_jump_back_starts_the_rhythm_anew() -> None:
    gate = RateGate(10)
    assert gate.wants(0)
    assert gate.wants(100)
    assert not gate.wants(100.04)
    assert gate.wants(5)
    assert not gate.wants(5.04)


def test_frames_that_waited_in_the_network_are_stale_until_the_newest() -> None:
    fresh = Freshness()
    for k in range(50):
        assert not fresh.is_stale(k / 10, 1000 + k / 10)
    # Two seconds of nothing, then all of them at once.
    late = [fresh.is_stale(k / 10, 1007 + k / 1000) for k in range(50, 71)]
    assert late[:14] == [True] * 14
    assert late[-4:] == [False] * 4
    assert not fresh.is_stale(7.1, 1007.1)


def test_the_first_burst_of_a_new_connection_is_not_taken_for_the_camera_clock() -> None:
    fresh = Freshness()
    assert not any(fresh.is_stale(k / 10, 1000 + k / 1000) for k in range(5))
    assert not any(fresh.is_stale(0.5 + k / 10, 1000.1 + k / 10) for k in range(50))


def test_a_camera_whose_clock_starts_again_is_not_stale() -> None:
    fresh = Freshness()
    for k in range(10):
        fresh.is_stale(100 + k / 10, 50 + k / 10)
    assert not any(fresh.is_stale(k / 10, 51 + k / 10) for k in range(10))


def test_a_clock_that_runs_slow_is_followed() -> None:
    fresh = Freshness()
    assert not any(fresh.is_stale(k / 10 * 0.9995, k / 10) for k in range(36_000))


def test_timestamps_that_cannot_be_true_are_soon_ignored() -> None:
    fresh = Freshness()
    late = [fresh.is_stale(k / 25, k / 10) for k in range(200)]  # a camera that says 25 frames/s and sends 10
    assert fresh.trusted is False
    assert not any(late[60:])


def test_the_meter_says_how_often_lately() -> None:
    meter = RateMeter()
    assert meter.tick(0) == 0
    rates = [meter.tick(k / 8) for k in range(1, 100)]
    assert rates[-1] == pytest.approx(8)
    assert meter.tick(1000) == 0
