"""The app's icons, drawn from the logo: `python -m config.app_icons` writes them again."""

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

STATIC = Path(__file__).parents[1] / "templates" / "static"
GROUND, LINE = (11, 94, 99), (255, 255, 255)
POINTS = [(5, 17), (10.5, 17), (13, 11), (18, 22), (21, 17), (27, 17)]  # in the logo's square of 32 × 32
RADIUS, STROKE = 9.0, 2.6
SAFE_SHARE = 0.72  # of a maskable icon: systems cut off what is outside of a circle of 80 %
Image = NDArray[np.uint8]


def draw_icon(size: int, is_maskable: bool = False) -> Image:
    """Return the logo as pixels of red, green, blue, and opacity. A maskable icon fills its square."""
    pixel = 32 / size
    centers = (np.arange(size) + 0.5) * pixel
    x, y = np.meshgrid(centers, centers)
    ground = np.ones((size, size)) if is_maskable else _coverage(_distance_to_square(x, y), pixel)
    scale = SAFE_SHARE if is_maskable else 1.0
    distance = np.minimum.reduce(
        [_distance_to_segment((x - 16) / scale + 16, (y - 16) / scale + 16, *ends) for ends in _segments()]
    )
    line = _coverage((distance - STROKE / 2) * scale, pixel)[..., None]
    color = np.array(GROUND) * (1 - line) + np.array(LINE) * line
    return np.rint(np.dstack([color, ground * 255])).astype(np.uint8)


def encode_png(image: Image) -> bytes:
    height, width, _ = image.shape
    rows = b"".join(b"\0" + row.tobytes() for row in image)
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def encode_ico(png: bytes, size: int) -> bytes:
    """Return an icon file with one image."""
    return struct.pack("<HHHBBBBHHII", 0, 1, 1, size, size, 0, 0, 1, 32, len(png), 22) + png


def build_icons() -> dict[str, bytes]:
    """Return the content of every icon by its file name."""
    return {
        "favicon.ico": encode_ico(encode_png(draw_icon(32)), 32),
        "site/app-192.png": encode_png(draw_icon(192)),
        "site/app-512.png": encode_png(draw_icon(512)),
        "site/app-maskable-512.png": encode_png(draw_icon(512, is_maskable=True)),
    }


def _segments() -> list[tuple[tuple[float, float], tuple[float, float]]]:
    return list(zip(POINTS, POINTS[1:], strict=False))


def _coverage(distance: NDArray[np.float64], pixel: float) -> NDArray[np.float64]:
    """Return how much of each pixel is inside, from the distance of its center to the edge."""
    return np.clip(0.5 - distance / pixel, 0, 1)


def _distance_to_square(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return distances to the rounded square, which are negative inside."""
    across, down = np.abs(x - 16) - (16 - RADIUS), np.abs(y - 16) - (16 - RADIUS)
    outside = np.hypot(np.maximum(across, 0), np.maximum(down, 0))
    return outside + np.minimum(np.maximum(across, down), 0) - RADIUS


def _distance_to_segment(
    x: NDArray[np.float64], y: NDArray[np.float64], start: tuple[float, float], end: tuple[float, float]
) -> NDArray[np.float64]:
    dx, dy = end[0] - start[0], end[1] - start[1]
    along = np.clip(((x - start[0]) * dx + (y - start[1]) * dy) / (dx * dx + dy * dy), 0, 1)
    return np.hypot(x - start[0] - along * dx, y - start[1] - along * dy)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


if __name__ == "__main__":
    for name, content in build_icons().items():
        (STATIC / name).write_bytes(content)
