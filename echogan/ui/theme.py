"""The page's theme: system fonts, one accent colour, no call to another machine."""

from __future__ import annotations

from pathlib import Path

from gradio.themes import Base

from echogan.ui.player import player

FONT = ("system-ui", "Segoe UI", "Roboto", "DejaVu Sans", "sans-serif")
MONO = ("ui-monospace", "DejaVu Sans Mono", "monospace")


def theme() -> Base:
    """Gradio's plain theme with fonts that every machine has; the colours stand in theme.css."""
    return Base(font=FONT, font_mono=MONO, primary_hue="teal", neutral_hue="slate")


def css() -> str:
    """All style sheets of the page."""
    return Path(__file__).with_name("theme.css").read_text(encoding="utf-8") + player.css()


HEAD = '<meta name="color-scheme" content="dark"><meta name="robots" content="noindex">'
