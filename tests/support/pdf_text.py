"""The text of a PDF that matplotlib wrote with the core fonts: its strings, in order, without a PDF library."""

import re
import zlib

STRING = re.compile(rb"\(((?:\\.|[^\\()])*)\)\s*Tj")


def pdf_text(data: bytes) -> str:
    """All strings that are shown, joined by spaces; those of one line are one string."""
    shown = []
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", data, re.DOTALL):
        try:
            content = zlib.decompress(stream)
        except zlib.error:
            continue
        shown += [re.sub(rb"\\(.)", rb"\1", one).decode("cp1252") for one in STRING.findall(content)]
    return " ".join(shown)


def pages(data: bytes) -> list[tuple[float, float]]:
    """Width and height of each page in points."""
    boxes = re.findall(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+) ?\]", data)
    return [(float(width), float(height)) for width, height in boxes]
