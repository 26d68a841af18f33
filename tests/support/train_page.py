"""The Train tab as a browser test fills it in and waits for it."""

import re

from playwright.sync_api import Page, expect

MOVING = 180_000  # ms: a training process on a busy machine takes its time
TINY = {
    "size": 64, "batch_size": 1, "tick": 1, "preview_every": 2, "eval_every": 4, "save_every": 2, "held_out_clips": 1,
    "clips_per_round": 1, "frames_per_clip": 2, "steps_per_round": 8, "workers": 0, "device": "cpu", "ema_decay": 0.5,
    "generator.channels": 4, "generator.blocks": 1, "discriminator.filters": 4,
}  # fmt: skip


def open_settings(page: Page, *groups: str) -> None:
    page.get_by_role("button", name="All settings").click()
    for name in groups:
        page.locator(".tr-group > button", has_text=name).click()


def set_tiny(page: Page, **more: int) -> None:
    """Make a preset a matter of seconds, by the fields that a visitor has."""
    open_settings(page, "The run", "Generators", "Discriminators")
    for name, value in (TINY | more).items():
        if name == "device":
            field = page.locator("#tr-set-device input")
            field.fill(str(value))
            field.press("Enter")
            continue
        holder = f"#tr-{name}" if name in ("size", "batch_size") else f"#tr-set-{name.replace('.', '-')}"
        field = page.locator(f"{holder} input[type=number]")
        field.fill(str(value))
        field.press("Tab")


def state(page: Page, wanted: str) -> None:
    expect(page.locator(".tr-head")).to_have_attribute("data-state", re.compile(wanted), timeout=MOVING)
