"""Pinhole geometry with the SDK's distortion models: rays, projection, rigid transforms (all vectorised)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError, sentence
from core.frames import Extrinsics, Intrinsics

F32 = np.float32
_FORWARD = ("brown_conrady", "modified_brown_conrady")
_INVERSE = ("inverse_brown_conrady",)
_ITERATIONS = 8
"""Fixed-point steps that undo a distortion; enough for 0.01 px at the coefficients of factory calibrations."""


def rays(camera: Intrinsics, u: NDArray[F32], v: NDArray[F32]) -> tuple[NDArray[F32], NDArray[F32]]:
    """Undistorted ``x / z`` and ``y / z`` of pixel coordinates ``u, v`` (pixel centres at whole numbers)."""
    x = ((u - camera.cx) / camera.fx).astype(F32)
    y = ((v - camera.cy) / camera.fy).astype(F32)
    model = _model(camera)
    if model in _INVERSE:
        return _brown(camera, x, y, model)
    if model in _FORWARD:
        return _undo(camera, x, y, model)
    return x, y


def pixels(camera: Intrinsics, x: NDArray[F32], y: NDArray[F32]) -> tuple[NDArray[F32], NDArray[F32]]:
    """Pixel coordinates of rays: the inverse of `rays`."""
    model = _model(camera)
    if model in _FORWARD:
        x, y = _brown(camera, x, y, model)
    elif model in _INVERSE:
        x, y = _undo(camera, x, y, model)
    return (x * F32(camera.fx) + F32(camera.cx)), (y * F32(camera.fy) + F32(camera.cy))


def matrix(move: Extrinsics | None) -> NDArray[np.float64]:
    """The 4x4 matrix of a rigid transform; ``None`` is the identity."""
    result = np.eye(4)
    if move is not None:
        result[:3, :3] = np.asarray(move.rotation, dtype=np.float64).reshape(3, 3)
        result[:3, 3] = move.translation_m
    return result


def between(source_to_rgb: Extrinsics | None, target_to_rgb: Extrinsics | None) -> NDArray[np.float64]:
    """The matrix from the source camera to the target camera, both given relative to the colour camera."""
    target = matrix(target_to_rgb)
    inverse = np.eye(4)
    inverse[:3, :3] = target[:3, :3].T
    inverse[:3, 3] = -target[:3, :3].T @ target[:3, 3]
    return np.asarray(inverse @ matrix(source_to_rgb))


def move_rays(
    transform: NDArray[np.float64], x: NDArray[F32], y: NDArray[F32], z: NDArray[F32]
) -> tuple[NDArray[F32], NDArray[F32], NDArray[F32]]:
    """Rays and depth (metres) in another camera of the points ``z * (x, y, 1)``."""
    r = transform.astype(F32)
    new_z = z * (r[2, 0] * x + r[2, 1] * y + r[2, 2]) + r[2, 3]
    scale = 1.0 / np.maximum(new_z, F32(1e-6))
    new_x = (z * (r[0, 0] * x + r[0, 1] * y + r[0, 2]) + r[0, 3]) * scale
    new_y = (z * (r[1, 0] * x + r[1, 1] * y + r[1, 2]) + r[1, 3]) * scale
    return new_x, new_y, new_z


@lru_cache(maxsize=16)
def _model(camera: Intrinsics) -> str:
    """Name of the distortion model, ``none`` where every coefficient is zero."""
    name = camera.model.rpartition(".")[2].lower()
    if name == "none" or not any(camera.coeffs):
        return "none"
    if name not in _FORWARD + _INVERSE:
        raise InputError(
            sentence("The distortion model {model!r} of this camera is not supported.", model=camera.model),
            "Use a camera or recording with Brown-Conrady calibration.",
        )
    return name


def _brown(camera: Intrinsics, x: NDArray[F32], y: NDArray[F32], model: str) -> tuple[NDArray[F32], NDArray[F32]]:
    k1, k2, p1, p2, k3 = (F32(c) for c in camera.coeffs)
    r2 = x * x + y * y
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    xr, yr = x * radial, y * radial
    # The SDK's "modified" model takes the tangential terms from the radially distorted point.
    tx, ty = (xr, yr) if model == "modified_brown_conrady" else (x, y)
    return xr + 2 * p1 * tx * ty + p2 * (r2 + 2 * tx * tx), yr + 2 * p2 * tx * ty + p1 * (r2 + 2 * ty * ty)


def _undo(camera: Intrinsics, x: NDArray[F32], y: NDArray[F32], model: str) -> tuple[NDArray[F32], NDArray[F32]]:
    guess_x, guess_y = x, y
    for _ in range(_ITERATIONS):
        bent_x, bent_y = _brown(camera, guess_x, guess_y, model)
        guess_x, guess_y = guess_x + (x - bent_x), guess_y + (y - bent_y)
    return guess_x, guess_y
