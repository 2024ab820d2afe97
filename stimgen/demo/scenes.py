"""Scenes of the demo images: their random parameters, and their rendering at any size.

Pixels are computed with element-wise arithmetic, square roots and comparisons only, so that every
machine rounds alike.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stimgen.demo.shapes import EXTENT, SIGNED_DISTANCES
from stimgen.demo.textures import TEXTURES, coverage

Plane = NDArray[Any]
Colour = tuple[float, float, float]

HUES_DEG = {
    "red": 0.0,
    "yellow": 48.0,
    "green": 125.0,
    "cyan": 182.0,
    "blue": 226.0,
    "magenta": 305.0,
}
SHAPE_NAMES = tuple(SIGNED_DISTANCES)
TEXTURE_NAMES = tuple(TEXTURES)
HUE_NAMES = tuple(HUES_DEG)

_COARSEST_CELLS = 4
_NOISE_OCTAVES = 4
_CLUTTER_SHAPES = ("disc", "square", "triangle", "cross")


class Draws:
    """Random numbers by `random()` alone, which is the same in every version of numpy."""

    def __init__(self, seed: int, index: int) -> None:
        bits = np.random.PCG64(np.random.SeedSequence([seed, index]))
        self._random = np.random.Generator(bits).random

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * float(self._random())

    def below(self, n: int) -> int:
        return int(n * float(self._random()))

    def chance(self, probability: float) -> bool:
        return float(self._random()) < probability

    def grid(self, *shape: int) -> Plane:
        """Return values between -1 and 1."""
        return self._random(shape, dtype=np.float32) * 2 - 1


@dataclass(frozen=True)
class Pose:
    """Where a shape lies; the image spans -1 to 1 both ways, x to the right and y down."""

    x: float
    y: float
    scale: float
    turn_rad: float
    squeeze: float = 1.0
    shear: float = 0.0
    tilt_x: float = 0.0
    tilt_y: float = 0.0


@dataclass(frozen=True)
class FlatShape:
    """A shape of uniform colour, in the background or in front of the object."""

    shape: str
    pose: Pose
    colour: Colour
    opacity: float
    blur: float


@dataclass(frozen=True)
class Surface:
    """Surface of the object: two tones, and the shading."""

    texture: str
    light: Colour
    dark: Colour
    period: float
    turn_rad: float
    offset: tuple[float, float]
    noise: Plane
    gradient: tuple[float, float]
    rim: float


@dataclass(frozen=True)
class Scene:
    """Parameters of one image, independent of its size.

    Attributes
    ----------
    labels
        Indices of shape, texture and hue.
    background
        Colours in [0, 1], shape (3, cells, cells).
    clutter
        Shapes behind the object.
    shape, pose, surface
        The object.
    shadow
        Shift to the right, shift down, opacity, width of the soft edge.
    occluder
        Shape in front of the object, if any.
    gain
        Brightness of the whole image: at the centre, its slope to the right, its slope downwards.
    """

    labels: tuple[int, int, int]
    background: Plane
    clutter: tuple[FlatShape, ...]
    shape: str
    pose: Pose
    surface: Surface
    shadow: tuple[float, float, float, float]
    occluder: FlatShape | None
    gain: tuple[float, float, float]


def draw_labels(draws: Draws) -> tuple[int, int, int]:
    """Return the indices of shape, texture and hue: the first three draws of an image."""
    return (
        draws.below(len(SHAPE_NAMES)),
        draws.below(len(TEXTURE_NAMES)),
        draws.below(len(HUE_NAMES)),
    )


def draw_scene(draws: Draws) -> Scene:
    """Return a random scene; the order of the draws does not depend on the size."""
    labels = draw_labels(draws)
    pose = _draw_pose(draws)
    return Scene(
        labels=labels,
        background=_draw_background(draws),
        clutter=tuple(_draw_clutter(draws) for _ in range(2 + draws.below(4))),
        shape=SHAPE_NAMES[labels[0]],
        pose=pose,
        surface=_draw_surface(draws, TEXTURE_NAMES[labels[1]], HUES_DEG[HUE_NAMES[labels[2]]]),
        shadow=_draw_shadow(draws),
        occluder=_draw_occluder(draws, pose) if draws.chance(0.35) else None,
        gain=(draws.between(0.8, 1.15), draws.between(-0.16, 0.16), draws.between(-0.16, 0.16)),
    )


def _draw_pose(draws: Draws) -> Pose:
    scale = draws.between(0.42, 0.7)
    room = 0.98 - 0.85 * scale
    return Pose(
        x=draws.between(-room, room),
        y=draws.between(-room, room),
        scale=scale,
        turn_rad=draws.between(-0.6, 0.6),
        squeeze=draws.between(0.82, 1.0),
        shear=draws.between(-0.16, 0.16),
        tilt_x=draws.between(-0.15, 0.15),
        tilt_y=draws.between(-0.15, 0.15),
    )


def _draw_background(draws: Draws) -> Plane:
    """Return coloured noise whose amplitude falls with spatial frequency, about as 1/f."""
    falloff = draws.between(0.42, 0.62)
    contrast = draws.between(0.2, 0.42)
    base = np.array(
        _colour(draws.between(0, 360), draws.between(0.05, 0.4), draws.between(0.35, 0.8)),
        dtype=np.float32,
    )
    cells = _COARSEST_CELLS
    noise = draws.grid(3, cells + 2, cells + 2)
    for octave in range(1, _NOISE_OCTAVES + 1):
        noise = _refine(_refine(noise).swapaxes(1, 2)).swapaxes(1, 2)
        if octave < _NOISE_OCTAVES:
            noise += draws.grid(*noise.shape) * falloff**octave
    # The first plane is light, shared by all channels; the others shift its colour.
    light, warmth, tint = noise[0], noise[1] * 0.35, noise[2] * 0.25
    channels = np.stack([light + warmth, light + tint, light - warmth - tint])
    colours: Plane = base[:, None, None] + contrast * channels
    return colours.clip(0, 1)


def _refine(noise: Plane) -> Plane:
    """Return noise with its last axis twice as fine (less 2), smoothed by a quadratic spline."""
    left, right = noise[..., :-1], noise[..., 1:]
    fine = np.empty((*noise.shape[:-1], 2 * left.shape[-1]), np.float32)
    fine[..., 0::2] = 0.75 * left + 0.25 * right
    fine[..., 1::2] = 0.25 * left + 0.75 * right
    return fine


def _draw_clutter(draws: Draws) -> FlatShape:
    return FlatShape(
        shape=_CLUTTER_SHAPES[draws.below(len(_CLUTTER_SHAPES))],
        pose=Pose(
            x=draws.between(-1, 1),
            y=draws.between(-1, 1),
            scale=draws.between(0.07, 0.19),
            turn_rad=draws.between(-3, 3),
            squeeze=draws.between(0.4, 1.0),
        ),
        colour=_colour(draws.between(0, 360), draws.between(0.2, 0.8), draws.between(0.3, 0.95)),
        opacity=draws.between(0.5, 0.95),
        blur=draws.between(0.02, 0.06),
    )


def _draw_occluder(draws: Draws, pose: Pose) -> FlatShape:
    """Return a desaturated bar or disc that covers the object's edge but not its centre."""
    direction_rad = draws.between(-math.pi, math.pi)
    size = pose.scale * draws.between(0.3, 0.5)
    away = pose.scale * draws.between(0.55, 0.85) + 0.5 * size
    is_bar = draws.chance(0.5)
    return FlatShape(
        shape="square" if is_bar else "disc",
        pose=Pose(
            x=pose.x + away * math.cos(direction_rad),
            y=pose.y + away * math.sin(direction_rad),
            scale=size * (2.6 if is_bar else 1.0),
            turn_rad=direction_rad + math.pi / 2 + draws.between(-0.3, 0.3),
            squeeze=0.25 if is_bar else draws.between(0.7, 1.0),
        ),
        colour=_colour(draws.between(0, 360), draws.between(0.02, 0.25), draws.between(0.2, 0.9)),
        opacity=1.0,
        blur=0.0,
    )


def _draw_surface(draws: Draws, texture: str, hue_deg: float) -> Surface:
    hue_deg += draws.between(-9, 9)
    light = _colour(hue_deg, draws.between(0.58, 0.86), draws.between(0.75, 0.97))
    if draws.chance(0.5):
        dark = _colour(hue_deg, draws.between(0.6, 0.9), draws.between(0.22, 0.4))
    else:
        dark = _colour(hue_deg, draws.between(0.05, 0.16), draws.between(0.92, 1.0))
    return Surface(
        texture=texture,
        light=light,
        dark=dark,
        period=draws.between(0.36, 0.56),
        turn_rad=draws.between(-math.pi, math.pi),
        offset=(draws.between(0, 1), draws.between(0, 1)),
        noise=draws.grid(8, 8),
        gradient=(draws.between(-0.25, 0.25), draws.between(-0.3, 0.05)),
        rim=draws.between(0.1, 0.4),
    )


def _draw_shadow(draws: Draws) -> tuple[float, float, float, float]:
    return (
        draws.between(-0.12, 0.12),
        draws.between(0.03, 0.14),
        draws.between(0.3, 0.6),
        draws.between(0.05, 0.2),
    )


def _colour(hue_deg: float, saturation: float, value: float) -> Colour:
    """Return RGB in [0, 1] of a hue in degrees, with saturation and value in [0, 1]."""

    def channel(shift_deg: float) -> float:
        distance = abs((hue_deg + shift_deg) % 360 - 180) / 60
        return value * (1 - saturation * (1 - min(max(distance - 1, 0.0), 1.0)))

    return channel(0), channel(240), channel(120)


def paint(scene: Scene, size_px: int) -> NDArray[np.uint8]:
    """Render a scene.

    Parameters
    ----------
    scene
        Scene to render.
    size_px
        Side of the square image.

    Returns
    -------
    numpy.ndarray
        Shape (size_px, size_px, 3), sRGB, 0 to 255.
    """
    canvas = _enlarge(scene.background, size_px)
    for flat in scene.clutter:
        _paint_flat(canvas, flat)
    _paint_shadow(canvas, scene)
    _paint_object(canvas, scene)
    if scene.occluder:
        _paint_flat(canvas, scene.occluder)
    gain, to_right, downwards = (255 * part for part in scene.gain)
    axis = _pixel_centres(size_px)
    canvas *= (gain + to_right * axis) + (downwards * axis)[:, None]
    canvas += 0.5
    np.minimum(canvas, 255, out=canvas)
    return np.ascontiguousarray(canvas.astype(np.uint8).transpose(1, 2, 0))


@lru_cache(maxsize=8)
def _pixel_centres(size_px: int) -> Plane:
    return ((np.arange(size_px, dtype=np.float32) + 0.5) * (2 / size_px) - 1).astype(np.float32)


@lru_cache(maxsize=8)
def _neighbours(cells: int, size_px: int) -> tuple[NDArray[np.intp], Plane]:
    """Return, for each pixel, the cell before it and its relative distance to that cell."""
    position = (_pixel_centres(size_px) + 1) * (cells / 2) - 0.5
    first = np.minimum(np.maximum(np.floor(position), 0), cells - 2)
    return first.astype(np.intp), np.minimum(np.maximum(position - first, 0), 1)


def _enlarge(grid: Plane, size_px: int) -> Plane:
    """Return a (3, cells, cells) grid at (3, size_px, size_px), interpolated linearly."""
    first, towards_next = _neighbours(grid.shape[-1], size_px)
    columns = grid.take(first, axis=2)
    columns += (grid.take(first + 1, axis=2) - columns) * towards_next
    rows = columns.take(first, axis=1)
    rows += (columns.take(first + 1, axis=1) - rows) * towards_next[:, None]
    return rows


def _box(pose: Pose, reach: float, size_px: int) -> tuple[slice, slice]:
    """Return rows and columns of the pixels within `reach` of the pose, empty off the image."""

    def pixels(centre: float) -> slice:
        start = math.floor((centre - reach + 1) * size_px / 2)
        stop = math.ceil((centre + reach + 1) * size_px / 2)
        return slice(max(start, 0), max(stop, 0))

    return pixels(pose.y), pixels(pose.x)


def _object_coordinates(pose: Pose, rows: Plane, columns: Plane) -> tuple[Plane, Plane]:
    """Return coordinates in which the shape is upright, centred and of its own size."""
    cosine, sine = math.cos(pose.turn_rad) / pose.scale, math.sin(pose.turn_rad) / pose.scale
    right, up = columns - pose.x, pose.y - rows
    u = (cosine * right) + (sine * up)[:, None]
    v = (-sine / pose.squeeze * right) + (cosine / pose.squeeze * up)[:, None]
    if pose.shear:
        u += pose.shear * v
    if pose.tilt_x or pose.tilt_y:
        depth = 1 / (
            1 + (pose.tilt_x / pose.scale * right) + (pose.tilt_y / pose.scale * up)[:, None]
        )
        u *= depth
        v *= depth
    return u, v


def _paint_flat(canvas: Plane, flat: FlatShape) -> None:
    size_px = canvas.shape[-1]
    pose = flat.pose
    rows, columns = _box(pose, 1.3 * pose.scale + flat.blur, size_px)
    axis = _pixel_centres(size_px)
    u, v = _object_coordinates(pose, axis[rows], axis[columns])
    edge = (flat.blur + 2 / size_px) / (pose.scale * math.sqrt(pose.squeeze))
    alpha = coverage(SIGNED_DISTANCES[flat.shape](u, v), edge)
    alpha *= flat.opacity
    _blend(canvas[:, rows, columns], flat.colour, alpha)


def _paint_shadow(canvas: Plane, scene: Scene) -> None:
    size_px = canvas.shape[-1]
    to_right, downwards, opacity, blur = scene.shadow
    pose = scene.pose
    reach = _reach(pose) + blur + max(abs(to_right), downwards)
    rows, columns = _box(pose, reach, size_px)
    axis = _pixel_centres(size_px)
    u, v = _object_coordinates(pose, axis[rows] - downwards, axis[columns] - to_right)
    alpha = coverage(SIGNED_DISTANCES[scene.shape](u, v), (blur + 2 / size_px) / pose.scale)
    canvas[:, rows, columns] *= 1 - opacity * alpha


def _reach(pose: Pose) -> float:
    # Shear, rotation and tilt stretch a shape by this much at most.
    return 1.35 * EXTENT * pose.scale


def _paint_object(canvas: Plane, scene: Scene) -> None:
    size_px = canvas.shape[-1]
    pose, surface = scene.pose, scene.surface
    rows, columns = _box(pose, _reach(pose), size_px)
    axis = _pixel_centres(size_px)
    u, v = _object_coordinates(pose, axis[rows], axis[columns])
    distance = SIGNED_DISTANCES[scene.shape](u, v)
    pixel = 2 / size_px / pose.scale
    cosine, sine = (
        math.cos(surface.turn_rad) / surface.period,
        math.sin(surface.turn_rad) / surface.period,
    )
    across = cosine * u + sine * v + surface.offset[0]
    along = cosine * v - sine * u + surface.offset[1]
    weight = TEXTURES[surface.texture](across, along, pixel / surface.period, surface.noise)
    shade = surface.gradient[0] * u - surface.gradient[1] * v + 1
    shade *= 1 - surface.rim * coverage(-distance - 0.13, 0.2)
    alpha = coverage(distance, pixel)
    region = canvas[:, rows, columns]
    for channel, light, dark in zip(region, surface.light, surface.dark, strict=True):
        channel += (shade * (dark + (light - dark) * weight) - channel) * alpha


def _blend(region: Plane, colour: Colour, alpha: Plane) -> None:
    for channel, level in zip(region, colour, strict=True):
        channel += (level - channel) * alpha
