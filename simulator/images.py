"""Writes labelled pictures for training: people in random rooms, or in front of photographs, by random cameras."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from metrica.errors import ParameterError
from metrica.files.pictures import list_pictures, read_picture, write_picture
from metrica.files.whole import write_whole
from metrica.messages import Image
from metrica.simulator.figures.figure import Figure, Light, Stance, make_figure
from metrica.simulator.figures.gait import MovementStyle
from metrica.simulator.figures.looks import adult, child, mannequin, staff
from metrica.simulator.figures.sampling import choose
from metrica.simulator.people import random_figure
from metrica.simulator.world.backdrop import Backdrop, brightness_at, draw_room
from metrica.simulator.world.camera import Camera
from metrica.simulator.world.effects import CameraEffects, Sensor, random_effects
from metrica.simulator.world.painter import DrawnFigure, Painter
from metrica.simulator.world.room import Room, build_room

FRAMES_PER_SCENE = 5
"""Pictures of one scene: the same room, camera and people, at other places."""
MIN_HEIGHT = 12
"""Pixels. The box of a person who is less tall is marked to be ignored."""
MIN_VISIBLE = 0.25
"""The box of a person of whom a smaller share is visible is marked to be ignored."""
_INVISIBLE = 0.03
"""A person of whom no more than this share is visible has no box."""
_DISTANCE_TOGETHER = (0.4, 1.1)
"""Metres between two people who walk together: least and most."""


@dataclass(slots=True)
class _Actor:
    """A figure that stands in a picture."""

    figure: Figure
    stance: Stance
    is_person: bool = True
    """False: a mannequin, which gets no box."""


@dataclass(slots=True)
class _Stage:
    """What the pictures of one scene share, except for the people."""

    camera: Camera
    backdrop: Backdrop
    light: Light
    effects: CameraEffects
    room: Room | None
    """None: the backdrop is a photograph."""
    factor: float = 1.0
    """Brightness of the people against the usual: lower in front of a dark photograph."""


def write_images(
    folder: Path, count: int, seed: int, width: int, height: int, backgrounds: Path | None = None,
    chosen: list[str] | None = None, progress: Callable[[int], None] | None = None, split: str = "train",
    together: float = 0.0,
) -> int:  # fmt: skip
    """Write `count` pictures and annotations.json (COCO) into a folder, and return the number of boxes.

    backgrounds: a folder of photographs without people; every second scene is set in front of one. chosen: use only the
    photographs with these file names. progress: called with the number of pictures done. split: the value of the field
    of that name. together: the probability that a person is placed close to the one before, so that they hide each
    other.
    Raises ParameterError if there is no photograph to use, OSError if a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    photographs = _photographs(backgrounds, chosen) if backgrounds else []
    images: list[dict[str, Any]] = []
    labels: list[dict[str, Any]] = []
    rooms: list[Room] = []
    for scene in range(math.ceil(count / FRAMES_PER_SCENE)):
        rng = np.random.default_rng((seed, scene))
        if photographs and scene % 2:
            stage = _stage_before_photograph(choose(rng, photographs), rng, width, height)
        else:
            if scene % 6 == 0 or not rooms:  # three rooms for every six scenes: several cameras see the same room
                rooms = [build_room(rng, kind) for kind in ("entrance", "ceiling", "shopfront")]
            stage = _stage_in_room(rooms[int(rng.integers(3))], rng, width, height)
        painter = Painter(stage.camera, stage.backdrop, stage.light, shutter=float(rng.uniform(0, 0.05)))
        sensor = Sensor(stage.effects, width, height, int(rng.integers(1 << 31)))
        cast = _cast(stage, rng)
        for frame in range(min(FRAMES_PER_SCENE, count - len(images))):
            actors: list[_Actor] = []
            for actor in cast:
                if not actor.is_person or rng.random() < 0.75:
                    with_whom = actors[-1].stance if together and actors and rng.random() < together else None
                    actors.append(_with_stance(stage, actor, rng, with_whom))
            brightness = [stage.factor * _brightness(stage, a.stance) for a in actors]
            picture, drawn = painter.paint([(a.figure, a.stance) for a in actors], brightness)
            image = sensor.picture(picture, frame, frame * 40.0)
            name = f"{seed:05d}-{scene:05d}-{frame}.jpg"
            write_picture(folder / name, image, [cv2.IMWRITE_JPEG_QUALITY, 93])
            images.append(
                {"id": len(images) + 1, "file_name": name, "width": width, "height": height, "split": split,
                 "source_set": "sim_photo" if stage.room is None else "sim_room"}
            )  # fmt: skip
            shown = [s for s in drawn if actors[s.index].is_person and s.visible > _INVISIBLE]
            labels += [_label(s, len(images), len(labels) + i + 1) for i, s in enumerate(shown)]
            if progress:
                progress(len(images))
    whole = {"images": images, "annotations": labels, "categories": [{"id": 1, "name": "person"}]}
    write_whole(folder / "annotations.json", json.dumps(whole).encode())
    return len(labels)


def _label(drawn: DrawnFigure, image: int, number: int) -> dict[str, Any]:
    """An entry of COCO's `annotations`, with `visible` added."""
    x1, y1, x2, y2 = drawn.box
    unclear = int(drawn.visible < MIN_VISIBLE or y2 - y1 < MIN_HEIGHT)
    box = [round(v, 1) for v in (x1, y1, x2 - x1, y2 - y1)]
    return {
        "id": number, "image_id": image, "category_id": 1, "bbox": box, "area": round(box[2] * box[3], 1),
        "iscrowd": unclear, "ignore": unclear, "visible": round(drawn.visible, 3), "source": "sim",
    }  # fmt: skip


def _photographs(folder: Path, chosen: list[str] | None) -> list[Path]:
    if not folder.is_dir():
        raise ParameterError("backgrounds", f"there is no folder {folder}: give one with photographs of rooms")
    found = list_pictures(folder)
    if chosen is not None:
        wanted = set(chosen)
        found = [p for p in found if p.name in wanted]
    if not found:
        raise ParameterError("backgrounds", f"{folder} holds no photograph that could be used")
    return found


def _camera(rng: np.random.Generator, width: int, height: int, room: Room | None) -> Camera:
    """A random camera between head height and the ceiling, which looks anywhere from level to straight down."""
    steep = room is not None and room.kind == "ceiling"
    top = min(4.5, room.height - 0.05) if room else 4.5
    z = float(rng.uniform(min(2.0, top - 0.1), top)) if not steep else float(rng.uniform(2.5, top))
    tilt = float(rng.uniform(60, 92) if steep else rng.uniform(12, 55) if rng.random() < 0.9 else rng.uniform(2, 12))
    fov = float(rng.uniform(50, 110))
    yaw = 180 + float(rng.normal(0, 20)) if rng.random() < 0.75 else float(rng.uniform(0, 360))
    if room is None:
        return Camera(
            0, 0, z if rng.random() < 0.7 else float(rng.uniform(1.3, 2.2)), 0, min(tilt, 45), fov, width, height
        )
    w = room.width / 2 - 0.4
    x = float(np.clip(rng.normal(0, 1.5), -w, w))
    y = float(rng.uniform(0.2, 2.0) if steep else rng.uniform(3.0, min(8.0, room.depth - 0.5)))
    return Camera(x, y, z, yaw, tilt, fov, width, height, float(rng.normal(0, 2)))


def _light(rng: np.random.Generator) -> Light:
    a, up = rng.uniform(0, 2 * math.pi), float(rng.uniform(0.7, 1.0))
    side = math.sqrt(1 - up * up)
    b = rng.uniform(0, 2 * math.pi)
    return Light(
        ambient=float(rng.uniform(0.5, 0.85)),
        key=float(rng.uniform(0.2, 0.7)),
        key_direction=(side * math.cos(a), side * math.sin(a), up),
        fill=float(rng.uniform(0.05, 0.5)),
        fill_direction=(math.cos(b), math.sin(b), 0.25),
        shadow=float(rng.uniform(0.1, 0.55)),
        shadow_blur=float(rng.uniform(0.04, 0.2)),
    )


def _stage_in_room(room: Room, rng: np.random.Generator, width: int, height: int) -> _Stage:
    camera = _camera(rng, width, height, room)
    return _Stage(camera, draw_room(room, camera), _light(rng), random_effects(rng), room)


def _stage_before_photograph(path: Path, rng: np.random.Generator, width: int, height: int) -> _Stage:
    """A photograph cropped to the size of the pictures, seen by a random camera over an unlimited floor."""
    read = read_picture(path)
    photograph = np.full((height, width, 3), 128, np.uint8) if read is None else read
    if rng.random() < 0.5:
        photograph = photograph[:, ::-1].copy()
    h, w = photograph.shape[:2]
    scale = max(width / w, height / h) * float(rng.uniform(1.0, 1.3))
    big = cv2.resize(
        photograph,
        (max(width, round(w * scale)), max(height, round(h * scale))),
        interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC,
    )
    x = int(rng.integers(0, big.shape[1] - width + 1))
    y = int(rng.integers((big.shape[0] - height) // 2, big.shape[0] - height + 1))
    picture: Image = np.asarray(big[y : y + height, x : x + width], np.uint8)
    camera = _camera(rng, width, height, None)
    ground = np.ones((height, width), np.float32)
    bright = float(picture[height // 2 :].mean())
    tone = picture.reshape(-1, 3).mean(0)
    tint = 0.65 + 0.35 * tone / max(float(tone.mean()), 1.0)
    light = replace(_light(rng), tint=(float(tint[0]), float(tint[1]), float(tint[2])))
    factor = float(np.clip(0.35 + bright / 150, 0.45, 1.2))
    effects = replace(random_effects(rng), gain=1.0, drift=0.0, vignette=0.05)
    return _Stage(camera, Backdrop(picture.astype(np.float32), None, ground, None), light, effects, None, factor)


def _cast(stage: _Stage, rng: np.random.Generator) -> list[_Actor]:
    """The figures of a scene: zero to twelve people, and the mannequins of the room."""
    uniform = tuple(int(v) for v in rng.uniform(20, 200, 3))
    actors: list[_Actor] = []
    crowd = int(choose(rng, (0, 1, 2, 3, 4, 6, 9, 12), (1.0, 2, 3, 3, 3, 2, 1.5, 1)))
    for _ in range(crowd):
        kind = rng.random()
        look = (
            child(rng)
            if kind < 0.12
            else staff(rng, (uniform[0], uniform[1], uniform[2]))
            if kind < 0.2
            else adult(rng)
        )
        actors.append(_Actor(random_figure(rng, look, look.height > 1.5), Stance(0, 0, 0)))
    for x, y, heading in stage.room.mannequins if stage.room else ():
        figure = make_figure(
            mannequin(rng), MovementStyle(hold=choose(rng, ("", "pockets", "carry"), (4, 1, 1)), head_down=0.0)
        )
        actors.append(_Actor(figure, Stance(x, y, heading, floor=float(choose(rng, (0.0, 0.25)))), is_person=False))
    return actors


def _with_stance(stage: _Stage, actor: _Actor, rng: np.random.Generator, with_whom: Stance | None) -> _Actor:
    """The actor at a random place on the floor that the camera sees, or close to `with_whom`. Mannequins stay."""
    if not actor.is_person:
        return actor
    camera, room = stage.camera, stage.room
    if with_whom:
        away, towards = float(rng.uniform(*_DISTANCE_TOGETHER)), float(rng.uniform(0, 2 * math.pi))
        x, y = with_whom.x + away * math.cos(towards), with_whom.y + away * math.sin(towards)
        if room is None or _is_free(room, x, y):
            heading = with_whom.heading + float(rng.normal(0, 8))
            phase = float(rng.uniform(0, 2 * math.pi))
            beside = Stance(x, y, heading, phase, with_whom.speed, float(rng.uniform(0, 100)))
            return _Actor(actor.figure, beside)
    for _ in range(30):
        # Draw the pixel of the feet, then find its point on the floor: so people fill the picture evenly.
        px, py = rng.uniform(-0.02, 1.02) * camera.width, (0.02 + 1.1 * rng.random() ** 0.8) * camera.height
        x, y = camera.floor_at(px, py)
        away = math.hypot(x - camera.x, y - camera.y)
        if away > 14 or (away < 0.4 and camera.tilt < 60):
            continue
        forward = (x - camera.x) * -float(camera.axes()[2, 0]) + (y - camera.y) * -float(camera.axes()[2, 1])
        if forward <= 0.3 and camera.tilt < 60:
            continue
        if room is None or _is_free(room, x, y):
            break
    else:
        x, y = (0.0, 1.0) if room else (0.0, 4.0)
    moving = rng.random() < 0.75
    speed = float(np.clip(rng.normal(1.2, 0.25), 0.4, 2.0)) if moving else 0.0
    heading = choose(rng, (0.0, 180.0, float(rng.uniform(0, 360)))) + float(rng.normal(0, 20))
    stance = Stance(x, y, heading, float(rng.uniform(0, 2 * math.pi)), speed, float(rng.uniform(0, 100)))
    return _Actor(actor.figure, stance)


def _is_free(room: Room, x: float, y: float) -> bool:
    """Whether a person can stand at a point of the floor: not in a wall or an obstacle, not behind the street."""
    if y > 0 and (abs(x) > room.width / 2 - 0.3 or y > room.depth - 0.3):
        return False
    if -0.35 < y < 0.35 and abs(x) > room.door - 0.25:
        return False
    return y > -7 and not any(x1 - 0.2 < x < x2 + 0.2 and y1 - 0.2 < y < y2 + 0.2 for x1, y1, x2, y2 in room.obstacles)


def _brightness(stage: _Stage, stance: Stance) -> float:
    return brightness_at(stage.room, stance.x, stance.y) if stage.room else 1.0
