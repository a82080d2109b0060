"""Draws random looks of people: build, skin, hair and clothes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from metrica.simulator.figures.mesh import Rect
from metrica.simulator.figures.sampling import choose

Colour = tuple[int, int, int]
"""Blue, green, red."""

RECTS: dict[str, Rect] = {
    "head": (0, 0, 96, 80),
    "cover": (96, 0, 96, 80),
    "shoe": (192, 0, 32, 40),
    "hand": (224, 0, 32, 40),
    "bag": (192, 40, 64, 40),
    "torso": (0, 80, 128, 96),
    "over": (128, 80, 128, 96),
    "arm": (0, 176, 64, 80),
    "leg": (64, 176, 96, 80),
    "prop": (160, 176, 96, 80),
}
"""The rectangle of the texture for each part of a figure."""

_SKIN: tuple[Colour, ...] = (
    (180, 205, 235), (160, 190, 228), (140, 175, 220), (120, 160, 210), (105, 145, 198), (90, 125, 180),
    (72, 105, 155), (55, 82, 125), (42, 62, 98), (32, 46, 74),
)  # fmt: skip
_HAIR: tuple[Colour, ...] = (
    (18, 18, 22), (22, 24, 30), (28, 34, 46), (34, 48, 70), (50, 72, 104), (90, 130, 165), (140, 142, 145),
    (190, 192, 195),
)  # fmt: skip
_CLOTH: tuple[Colour, ...] = (
    (28, 26, 26), (38, 36, 36), (60, 40, 30), (95, 55, 30), (120, 85, 55), (150, 150, 150), (90, 90, 92),
    (225, 225, 225), (205, 215, 222), (150, 185, 205), (70, 100, 140), (40, 60, 95), (40, 40, 150), (60, 50, 190),
    (50, 110, 60),
    (60, 90, 90), (170, 120, 60), (200, 160, 110), (150, 140, 220), (120, 90, 140), (60, 170, 210), (70, 120, 200),
    (110, 60, 80), (190, 190, 160),
)  # fmt: skip
_LOWER: tuple[Colour, ...] = (
    (26, 25, 25), (34, 32, 32), (70, 48, 34), (110, 75, 45), (130, 98, 70), (85, 85, 88), (120, 140, 160),
    (160, 185, 200),
    (60, 75, 95), (50, 62, 60), (140, 110, 85), (95, 62, 40),
)  # fmt: skip
_SOBER: tuple[Colour, ...] = (
    (24, 23, 23), (30, 28, 28), (50, 38, 34), (60, 60, 62), (90, 100, 110), (130, 150, 165), (70, 60, 90), (90, 75, 45),
    (60, 80, 70), (185, 200, 210),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Look:
    """What one person looks like. Sizes are parts of the height unless they say otherwise."""

    height: float = 1.72
    """Metres."""
    girth: float = 1.0
    """Width of body and limbs, 1 is usual."""
    belly: float = 0.0
    """Depth that the belly adds."""
    bust: float = 0.0
    """Depth that the bust adds."""
    head: float = 1.0
    """Size of the head, 1 is usual."""
    trousers: float = 1.08
    """Width of the trousers, as a multiple of the leg's."""
    flare: float = 0.0
    """How much the trousers widen below the knee."""
    bare_legs: bool = False
    """Whether the legs are bare, at least below the knee."""
    shoe: float = 1.0
    """Size of the shoes, 1 is usual."""
    sleeves: float = 1.15
    """Width of the sleeves, as a multiple of the arm's."""
    cover: str = "short"
    """On the head: none, short, long, tail, bun, afro, scarf, cap, beanie or chechia."""
    over: str = "none"
    """Over the body: none, coat, robe, dress or skirt."""
    hem: float = 0.3
    """Height of the lower edge of `over`."""
    fall: float = 0.1
    """How much `over` widens towards its lower edge."""
    puff: float = 0.5
    """How loose `over` is around the body."""
    bag: str = "none"
    """none, backpack, shoulder, shopping or box."""
    left_handed: bool = False
    """True: the bag is on the left side."""
    skin: Colour = _SKIN[3]
    """Colour of the skin."""
    hair: Colour = _HAIR[0]
    """Colour of the hair and the beard."""
    top: Colour = _CLOTH[0]
    """Colour of the shirt, and of a dress."""
    under: Colour = (225, 225, 225)
    """Colour of the shirt in an open coat, and of a cap or beanie."""
    lower: Colour = _LOWER[0]
    """Colour of the trousers, and of a skirt."""
    outer: Colour = _SOBER[0]
    """Colour of a coat, robe or apron."""
    shoes: Colour = (30, 30, 32)
    """Colour of the shoes."""
    carried: Colour = (40, 50, 80)
    """Colour of the bag or box, and of a scarf."""
    pattern: str = "plain"
    """plain, stripes, bars, check, dots or print."""
    short_sleeves: bool = False
    """Whether the forearms are bare, unless a coat or robe covers them."""
    open_coat: bool = False
    """Whether a coat is open, so that what is under it shows."""
    beard: float = 0.0
    """How dense the beard is, from 0 (none) to 1."""
    glasses: bool = False
    """Whether the person wears glasses."""
    mask: bool = False
    """Whether a mask covers mouth and nose."""
    apron: bool = False
    """Whether an apron is drawn over the shirt."""
    plastic: bool = False
    """True: a mannequin, which has no face."""
    seed: int = 0
    """Seed of the texture's noise and details."""


def adult(rng: np.random.Generator) -> Look:
    """An adult, in clothes as they are worn around the Mediterranean."""
    woman = bool(rng.random() < 0.5)
    girth = float(np.clip(rng.normal(1.04, 0.12), 0.85, 1.45))
    look = Look(
        height=float(np.clip(rng.normal(1.64 if woman else 1.76, 0.07), 1.46, 1.98)),
        girth=girth,
        belly=float(max(0.0, rng.normal(0.15, 0.4) * (girth - 0.9))) * 0.25,
        bust=0.026 * float(rng.uniform(0.6, 1.3)) if woman else 0.004,
        head=float(rng.normal(1.03, 0.03)),
        trousers=float(rng.uniform(0.98, 1.42)),
        flare=float(max(0.0, rng.normal(0.1, 0.7))),
        shoe=float(rng.uniform(0.95, 1.2)),
        sleeves=float(rng.uniform(1.05, 1.5)),
        puff=float(rng.uniform(0, 1.6)),
        left_handed=bool(rng.random() < 0.4),
        skin=_vary(rng, choose(rng, _SKIN), 8),
        hair=_vary(rng, choose(rng, _HAIR, (5, 5, 4, 3, 2, 1, 1, 0.7)), 8),
        top=_vary(rng, choose(rng, _CLOTH), 18),
        under=_vary(rng, choose(rng, ((225, 225, 225), *_CLOTH)), 18),
        lower=_vary(rng, choose(rng, _LOWER), 14),
        outer=_vary(rng, choose(rng, (*_SOBER, *_CLOTH)), 14),
        shoes=_vary(rng, choose(rng, ((25, 25, 27), (30, 40, 60), (220, 220, 222), (90, 90, 90), (60, 50, 120))), 12),
        carried=_vary(rng, choose(rng, _CLOTH), 20),
        pattern=choose(rng, ("plain", "stripes", "bars", "check", "dots", "print"), (6, 0.7, 0.8, 0.8, 0.4, 1.6)),
        short_sleeves=bool(rng.random() < 0.35),
        open_coat=bool(rng.random() < 0.45),
        glasses=bool(rng.random() < 0.2),
        mask=bool(rng.random() < 0.04),
        bag=choose(rng, ("none", "backpack", "shoulder", "shopping", "box"), (5, 1, 2.2 if woman else 0.7, 1.6, 0.25)),
        seed=int(rng.integers(1 << 31)),
    )
    return _woman(rng, look) if woman else _man(rng, look)


def _woman(rng: np.random.Generator, look: Look) -> Look:
    cover = choose(rng, ("scarf", "long", "tail", "bun", "short", "cap"), (4, 3, 1.5, 1, 0.7, 0.2))
    over = choose(rng, ("none", "coat", "robe", "dress", "skirt"), (4, 2, 2.4 if cover == "scarf" else 0.2, 1.0, 1.0))
    hem = {"robe": rng.uniform(0.03, 0.08), "dress": rng.uniform(0.12, 0.32), "coat": rng.uniform(0.16, 0.44)}.get(
        over, rng.uniform(0.06, 0.33)
    )
    return replace(
        look,
        cover=cover,
        over=over,
        hem=float(hem),
        fall=float(rng.uniform(0.06, 0.22)),
        bare_legs=bool(over in ("dress", "skirt") and rng.random() < 0.6),
    )


def _man(rng: np.random.Generator, look: Look) -> Look:
    over = choose(rng, ("none", "coat", "robe"), (7, 2.5, 0.6))
    return replace(
        look,
        cover=choose(
            rng, ("short", "none", "cap", "beanie", "chechia", "afro", "tail"), (8, 1.6, 1.2, 0.8, 0.4, 0.5, 0.2)
        ),
        over=over,
        hem=float(rng.uniform(0.04, 0.1) if over == "robe" else rng.uniform(0.25, 0.45)),
        fall=float(rng.uniform(0.03, 0.14)),
        outer=choose(rng, ((215, 220, 222), (150, 160, 165), look.outer), (3, 2, 3)) if over == "robe" else look.outer,
        bare_legs=bool(over == "none" and rng.random() < 0.1),
        beard=float(max(0.0, rng.uniform(-0.7, 1.0))),
    )


def child(rng: np.random.Generator) -> Look:
    """A child of three to twelve years: smaller than an adult, with a larger head."""
    height = float(rng.uniform(0.95, 1.45))
    look = adult(rng)
    return replace(
        look,
        height=height,
        girth=float(rng.uniform(1.05, 1.35) + 0.2 * (1.45 - height)),
        belly=0.0,
        bust=0.0,
        head=float(1.12 + 0.55 * (1.45 - height)),
        cover=choose(rng, ("short", "long", "tail", "beanie", "cap"), (4, 2, 2, 1, 1)),
        over=choose(rng, ("none", "dress", "coat"), (5, 1, 1)),
        hem=0.32,
        top=_vary(rng, choose(rng, _CLOTH), 30),
        bag=choose(rng, ("none", "backpack"), (3, 1)),
        beard=0.0,
    )


def staff(rng: np.random.Generator, uniform: Colour) -> Look:
    """An employee, in clothes of the colour `uniform`."""
    look = adult(rng)
    return replace(look, top=uniform, pattern="plain", over="none", bag="none", apron=bool(rng.random() < 0.6))


def mannequin(rng: np.random.Generator) -> Look:
    """A mannequin in the shop's clothes."""
    look = adult(rng)
    skin = choose(rng, ((215, 222, 228), (60, 60, 62), (235, 238, 240), (150, 175, 200), (190, 170, 140)))
    return replace(
        look,
        skin=skin,
        cover="none",
        girth=0.92,
        belly=0.0,
        height=float(rng.uniform(1.72, 1.86)),
        head=0.94,
        bag="none",
        beard=0.0,
        glasses=False,
        mask=False,
        plastic=True,
        bare_legs=bool(rng.random() < 0.35),
        shoes=skin,
    )


def _vary(rng: np.random.Generator, colour: Colour, spread: float) -> Colour:
    shade = rng.normal(0, spread)
    b, g, r = (int(np.clip(c + shade + rng.normal(0, spread / 3), 8, 246)) for c in colour)
    return b, g, r
