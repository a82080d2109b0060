"""Paints the texture of a figure: fabric with patterns and folds, face, hair and shoes, in one small picture."""

from __future__ import annotations

import cv2
import numpy as np

from metrica.messages import Image
from metrica.nodes.geometry.arrays import Floats
from metrica.simulator.figures.filters import gaussian_blur
from metrica.simulator.figures.looks import RECTS, Colour, Look
from metrica.simulator.figures.mesh import ATLAS


def paint_texture(look: Look) -> Image:
    """The texture for these looks, uint8 [ATLAS, ATLAS, 3], BGR."""
    rng = np.random.default_rng(look.seed)
    atlas = np.zeros((ATLAS, ATLAS, 3), np.float32)

    def put(name: str, picture: Floats) -> None:
        x, y, w, h = RECTS[name]
        atlas[y : y + h, x : x + w] = picture

    put("head", _head(look, rng))
    put("cover", _cover(look, rng))
    put("shoe", _shoe(look, rng))
    put("hand", _plain("hand", look.skin) * _noise(rng, 40, 32, 3, 3, 0.04))
    put("bag", _bag(look, rng))
    put("torso", _torso(look, rng))
    put("over", _over(look, rng))
    put("arm", _arm(look, rng))
    put("leg", _leg(look, rng))
    put("prop", _plain("prop", look.carried) * _noise(rng, 80, 96, 4, 4, 0.1))
    return np.clip(atlas, 0, 255).astype(np.uint8)


def _plain(name: str, colour: Colour) -> Floats:
    _, _, w, h = RECTS[name]
    return np.full((h, w, 3), colour, np.float32)


def _noise(rng: np.random.Generator, h: int, w: int, sigma_x: float, sigma_y: float, amount: float) -> Floats:
    """Smooth noise around 1 with standard deviation `amount`, [h, w, 1]; its left and right edges fit together."""
    raw = np.tile(rng.normal(0, 1, (h, w)).astype(np.float32), (1, 3))
    even = gaussian_blur(raw, sigma_x, sigma_y)[:, w : 2 * w]
    smooth: Floats = (1 + amount * even / max(float(even.std()), 1e-6)).astype(np.float32)
    return smooth[:, :, None]


def _fabric(rng: np.random.Generator, name: str, colour: Colour, pattern: str, fold: float = 0.1) -> Floats:
    picture = _plain(name, colour)
    h, w = picture.shape[:2]
    other = np.array(colour, np.float32)
    other = np.clip(other + np.where(other.mean() > 110, -1, 1) * rng.uniform(40, 120, 3), 5, 250)
    y, x = np.mgrid[0:h, 0:w]
    period = int(rng.integers(5, 13))
    match pattern:
        case "stripes":
            picture[(x // (period // 2 + 1)) % 3 == 0] = other
        case "bars":
            picture[(y // period) % 2 == 0] = other
        case "check":
            picture[(x // period) % 2 == 0] = picture[(x // period) % 2 == 0] * 0.6 + other * 0.4
            picture[(y // period) % 2 == 0] = picture[(y // period) % 2 == 0] * 0.6 + other * 0.4
        case "dots":
            picture[((x % 8) - 4) ** 2 + ((y % 8) - 4) ** 2 < 5] = other
        case "print":
            size = int(rng.integers(14, 30))
            cv2.ellipse(
                picture, (w // 2, int(h * 0.42)), (size // 2 + 4, size // 2), 0, 0, 360, tuple(other.tolist()), -1
            )
            cv2.rectangle(picture, (w // 2 - 8, int(h * 0.4)), (w // 2 + 8, int(h * 0.45)), colour, -1)
        case _:
            pass
    folds = _noise(rng, h, w, 2.2, 9, fold * 0.8) * _noise(rng, h, w, 7, 3.5, fold * 0.7)
    return picture * folds * _noise(rng, h, w, 0.6, 0.6, 0.025)


def _head(look: Look, rng: np.random.Generator) -> Floats:
    picture = _plain("head", look.skin)
    skin = np.array(look.skin, np.float32)
    picture *= _noise(rng, 80, 96, 5, 5, 0.035)
    if look.plastic:
        return picture
    dark = tuple((skin * 0.45).tolist())
    red = tuple((skin * [0.75, 0.72, 0.98]).tolist())
    for side in (-1, 1):
        x = 48 + side * 7
        cv2.ellipse(picture, (x, 36), (5, 4), 0, 0, 360, tuple((skin * 0.86).tolist()), -1)  # the eye's hollow
        cv2.ellipse(picture, (x, 37), (3, 1), 0, 0, 360, (225, 225, 225), -1)
        cv2.circle(picture, (x, 37), 1, (25, 25, 30), -1)
        cv2.line(picture, (x - 4, 31), (x + 4, 31), tuple(float(c) * 0.8 for c in look.hair), 2)
        cv2.ellipse(picture, (x + side * 2, 46), (5, 4), 0, 0, 360, tuple((skin * [0.95, 0.95, 1.03]).tolist()), -1)
    cv2.ellipse(picture, (48, 47), (4, 2), 0, 0, 360, tuple((skin * 0.7).tolist()), -1)
    cv2.line(picture, (46, 36), (46, 44), tuple((skin * 0.85).tolist()), 2)
    if look.beard > 0.15:
        picture[49:66, 26:70] = (
            picture[49:66, 26:70] * (1 - 0.75 * look.beard) + np.array(look.hair) * 0.75 * look.beard
        )
        cv2.ellipse(picture, (48, 48), (8, 2), 0, 0, 360, tuple(float(c) for c in look.hair), 1)
    cv2.ellipse(picture, (48, 53), (6, 2), 0, 0, 360, red, -1)
    cv2.line(picture, (43, 53), (53, 53), dark, 1)
    if look.glasses:
        for x in (41, 55):
            cv2.circle(picture, (x, 37), 5, (25, 25, 28), 1)
        cv2.line(picture, (28, 36), (68, 36), (25, 25, 28), 1)
    if look.mask:
        cv2.rectangle(picture, (34, 43), (62, 60), (225, 205, 185), -1)
    picture[60:] *= np.linspace(0.85, 0.6, 20)[:, None, None]  # under the chin
    return gaussian_blur(picture, 0.7)


def _cover(look: Look, rng: np.random.Generator) -> Floats:
    if look.cover in ("scarf", "cap", "beanie", "chechia"):
        colour = (35, 30, 150) if look.cover == "chechia" else look.under if look.cover != "scarf" else look.carried
        return _fabric(rng, "cover", colour, "bars" if look.cover == "beanie" and look.seed % 3 == 0 else "plain", 0.09)
    return _plain("cover", look.hair) * _noise(rng, 80, 96, 0.7, 6, 0.22) * _noise(rng, 80, 96, 6, 6, 0.1)


def _torso(look: Look, rng: np.random.Generator) -> Floats:
    picture = _fabric(rng, "torso", look.top, look.pattern)
    bottom = look.lower if not look.bare_legs or look.over == "none" else look.top
    picture[86:] = bottom
    if look.seed % 2:
        picture[84:87] = (25, 30, 40)  # a belt
    deep = 14 + look.seed % 10
    picture[:10] = look.skin
    cv2.fillPoly(picture, [np.array([(54, 8), (74, 8), (64, deep)])], [float(c) for c in look.skin])
    if look.seed % 3 == 0:  # a shirt with buttons and a collar
        cv2.line(picture, (64, deep), (64, 84), [c * 0.75 for c in look.top], 1)
        cv2.polylines(
            picture,
            [np.array([(50, 9), (60, 18), (64, deep), (68, 18), (78, 9)])],
            False,
            [c * 0.8 for c in look.top],
            2,
        )
    if look.apron:
        cv2.rectangle(picture, (44, 34), (84, 96), [float(c) for c in look.outer], -1)
    return picture


def _over(look: Look, rng: np.random.Generator) -> Floats:
    colour = look.outer if look.over in ("coat", "robe") else look.top if look.over == "dress" else look.lower
    picture = _fabric(rng, "over", colour, look.pattern if look.over in ("dress", "skirt") else "plain", 0.14)
    if look.over == "coat" and look.open_coat:
        wide = 5 + look.seed % 7
        _, _, _, h = RECTS["torso"]
        picture[:, 64 - wide : 64 + wide] = np.array(look.under, np.float32) * _noise(rng, h, 2 * wide, 2, 6, 0.08)
        picture[58:, 64 - wide : 64 + wide] = look.lower
        picture[:, 64 - wide - 2 : 64 - wide] *= 0.7
        picture[:, 64 + wide : 64 + wide + 2] *= 0.7
    elif look.over == "coat":
        cv2.line(picture, (64, 6), (64, 95), [c * 0.6 for c in colour], 1)
    if look.over == "robe" and look.seed % 3 == 0:
        cv2.line(picture, (64, 4), (64, 60), [min(250.0, c * 1.5 + 20) for c in colour], 2)
    folds = (
        1
        + 0.16
        * np.sin(np.linspace(0, 2 * np.pi, 128) * (9 + look.seed % 6) + rng.uniform(0, 6))
        * np.linspace(0, 1, 96)[:, None]
    )
    folded: Floats = (picture * folds[:, :, None]).astype(np.float32)
    return folded


def _arm(look: Look, rng: np.random.Generator) -> Floats:
    sleeve = look.outer if look.over in ("coat", "robe") else look.top
    pattern = (
        look.pattern
        if look.pattern in ("stripes", "bars", "check", "dots") and look.over in ("none", "skirt", "dress")
        else "plain"
    )
    picture = _fabric(rng, "arm", sleeve, pattern, 0.12)
    if look.short_sleeves and look.over not in ("coat", "robe"):
        picture[38:] = np.array(look.skin, np.float32) * _noise(rng, 42, 64, 5, 5, 0.03)
        picture[36:38] *= 0.7
    else:
        picture[74:76] *= 0.75
    return picture


def _leg(look: Look, rng: np.random.Generator) -> Floats:
    picture = _fabric(rng, "leg", look.lower, "plain", 0.11)
    picture[:, 46:50] *= 1.08  # the crease
    if look.bare_legs:
        start = 36 if look.over == "none" else 0
        picture[start:] = np.array(look.skin, np.float32) * _noise(rng, 80 - start, 96, 6, 6, 0.03)
    else:
        picture[76:] *= 0.75
        picture[38:48] *= _noise(rng, 10, 96, 5, 1.2, 0.08)  # folds behind the knee
    return picture


def _shoe(look: Look, rng: np.random.Generator) -> Floats:
    picture = _plain("shoe", look.shoes) * _noise(rng, 40, 32, 3, 3, 0.08)
    sole = (225, 225, 225) if look.seed % 4 == 0 else (40, 42, 45)
    picture[:, :5] = sole
    picture[:, -5:] = sole
    return picture


def _bag(look: Look, rng: np.random.Generator) -> Floats:
    picture = _fabric(rng, "bag", look.carried, "plain", 0.08)
    if look.seed % 3 == 0:
        cv2.rectangle(picture, (20, 16), (44, 24), (235, 235, 235), -1)
    picture[12:14] *= 0.6
    return picture
