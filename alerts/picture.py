"""A chart as PNG, for mail programs, none of which shows SVG. Pure.

Drawn with Pillow: small, offline, widely maintained, and with a font of its own (Aileron), so that a container
without fonts draws the same picture. That font has Latin letters and digits only; labels of charts keep to those,
and names of origins stand in the text beside the picture.
"""

from functools import cache, lru_cache
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from alerts.chart import ChartSpec
from alerts.drawing import ALARM, COLOURS, FAINT, INK, Drawing, DrawnPath, lay_out
from alerts.words import Words

# Drawn four times as large, halved: smooth edges, and sharp on screens of double density.
_DRAWN, _KEPT = 4, 2
_CLEAR = (123, 131, 143, 0)
# An origin whose word the headline follows shows beneath it as a wider band.
_ORIGIN = 5.0
_WIDTHS = {"grid": 1.0, "line-0": 2.5, "cross": 2.5, "edit": 2.0}


@lru_cache(maxsize=32)  # the same picture goes to every receiver of an alert
def draw_png(spec: ChartSpec, words: Words, *, width: int = 420, height: int = 190) -> bytes:
    """Return the chart as a PNG of twice `width` × `height` without a background; equal input gives equal bytes."""
    drawing = lay_out(spec, words, width=width, height=height)
    image = Image.new("RGBA", (width * _DRAWN, height * _DRAWN), _CLEAR)
    _draw(drawing, ImageDraw.Draw(image))
    # Premultiplied while shrinking, or clear pixels would bleed into the lines.
    small = image.convert("RGBa").resize((width * _KEPT, height * _KEPT), Image.Resampling.LANCZOS).convert("RGBA")
    out = BytesIO()
    small.save(out, "PNG", optimize=True)
    return out.getvalue()


def _draw(drawing: Drawing, pen: ImageDraw.ImageDraw) -> None:
    for path in drawing.paths:
        _draw_path(path, pen)
    for dot in drawing.dots:
        radius = 4.0 if dot.role == "line-0" or dot.is_hollow else 3.0
        box = [(one - sign * radius) * _DRAWN for sign in (1, -1) for one in (dot.x, dot.y)]
        if dot.is_hollow:
            pen.ellipse(box, outline=ALARM, width=2 * _DRAWN)
        else:
            pen.ellipse(box, fill=_colour(dot.role))
    for text in drawing.texts:
        anchor = {"start": "ls", "middle": "ms", "end": "rs"}[text.anchor]
        fill = COLOURS[0] if text.role == "value" else INK
        # The bundled font has one weight: a hair of outline makes it bold.
        bold = _DRAWN // 4 if text.role == "value" else 0
        size = 13 if text.role == "value" else 12
        place = (text.x * _DRAWN, text.y * _DRAWN)
        pen.text(place, text.text, fill=fill, font=_font(size * _DRAWN), anchor=anchor, stroke_width=bold)


def _draw_path(path: DrawnPath, pen: ImageDraw.ImageDraw) -> None:
    points = [(x * _DRAWN, y * _DRAWN) for x, y in path.points]
    width = round(_WIDTHS.get(path.role, _ORIGIN) * _DRAWN)
    colour = _colour(path.role)
    pen.line(points, fill=colour, width=width, joint="curve")
    if path.role != "grid":
        for x, y in points:
            pen.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=colour)


def _colour(role: str) -> str:
    if role == "grid":
        return FAINT + "48"
    if role.startswith("line-"):
        return COLOURS[int(role.removeprefix("line-"))]
    return INK if role == "edit" else ALARM


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
