"""The model card of a published checkpoint: what it is, what it has seen, what was measured, what it cannot do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from echogan.core.notice import IN_FULL
from echogan.core.version import __version__
from echogan.model.checkpoints.checkpoint import Checkpoint
from echogan.model.checkpoints.checkpoint_config import CheckpointConfig

# Licences by the names that the Hub knows (huggingface.co/docs/hub/repositories-licenses); others are "other".
HUB_LICENSES = {
    "MIT": "mit",
    "APACHE-2.0": "apache-2.0",
    "BSD-3-CLAUSE": "bsd-3-clause",
    "CC0-1.0": "cc0-1.0",
    "CC-BY-4.0": "cc-by-4.0",
    "CC-BY-SA-4.0": "cc-by-sa-4.0",
    "CC-BY-NC-4.0": "cc-by-nc-4.0",
    "CC-BY-NC-SA-4.0": "cc-by-nc-sa-4.0",
}
LIMITS = """- It can remove what is there and add what is not. A clearer frame is not a truer one: compare with the
  original, and look at the maps beside it. Difference and cycle error alone hardly show a lesion that was removed or
  invented.
- It has seen only the data above. Other machines, views, patients and findings may come out worse.
- It was not validated on patients and is not a medical device."""


def model_card(checkpoint: Checkpoint, repo: str, license: str, tables: Sequence[str] = ()) -> str:
    """The card as Markdown with the header that the Hub reads. `repo` is user/model, `license` that of the weights.

    `tables` are Markdown, of what was measured with these weights.
    """
    config = checkpoint.config
    return "\n".join(
        (
            _header(license),
            f"# {config.name}",
            "",
            "Two generators of a CycleGAN: `to_high` turns poor echocardiography frames into clear ones, `to_low` goes "
            f"back and serves the diagnostics. **{IN_FULL}**",
            "",
            "## Use",
            "",
            "```sh",
            f"python -m echogan enhance clip.dcm enhanced.mp4 --model {repo}",
            "```",
            "",
            f"It needs EchoGANhance {__version__} or newer. SHA-256 of the weights: `{checkpoint.sha256}`.",
            "",
            "## Networks",
            "",
            *_networks(config, _parameters(checkpoint)),
            "",
            "## Training data",
            "",
            *_data(config),
            "",
            f"Licence of the weights: {license}.",
            "",
            "## Training",
            "",
            *_block(config.training, "`config.json` records no settings of a training run."),
            "",
            "## Measured",
            "",
            *_measured(config.training.get("held_out")),
            "",
            *(line for table in tables for line in (table, "")),
            "## Limits",
            "",
            LIMITS,
            "",
        )
    )


def _header(license: str) -> str:
    """The YAML that the Hub reads. Values are quoted as JSON, which YAML reads as text."""
    known = HUB_LICENSES.get(license.upper().replace(" ", "-"))
    lines = [f"license: {known}"] if known else ["license: other", f"license_name: {json.dumps(license)}"]
    tags = ("echocardiography", "ultrasound", "image-to-image", "cyclegan", "medical")
    return "\n".join(
        ("---", *lines, "library_name: echogan", "tags:", *(f"- {tag}" for tag in tags), "---", "")
    )


def _networks(config: CheckpointConfig, parameters: int) -> list[str]:
    network = config.generator
    return [
        f"- Generators of the kind `{network.kind}`, {network.channels} channels, {network.blocks} blocks, "
        f"{network.frames} frame{'s' * (network.frames > 1)} in; {parameters:,} parameters together.",
        f"- Working size: the sector's longer side is {config.working_size} pixels, grey.",
        f"- Canonical grey curve: {'yes' if config.canonical_grey else 'no'}. Gain of the change: {config.gain:g}.",
        *(
            [f"- A clip's darkest tissue is lifted to {config.dark_level:g} of full scale."]
            if config.dark_level
            else []
        ),
        *(
            [
                f"- Where the result is still hazy, {config.haze_gain:.0%} of what is removed is removed once more."
            ]
            if config.haze_gain
            else []
        ),
        *(
            [
                f"- Caution: {config.caution:.0%} of the change is withheld where it looks like a structure removed or "
                "invented."
            ]
            if config.caution
            else []
        ),
        *(
            [f"- Where a hidden wall is certain, {config.keep_walls:.0%} of what would be removed is kept."]
            if config.keep_walls
            else []
        ),
    ]


def _parameters(checkpoint: Checkpoint) -> int:
    return sum(
        weight.numel() for net in (checkpoint.to_high, checkpoint.to_low) for weight in net.parameters()
    )


def _data(config: CheckpointConfig) -> list[str]:
    """What each domain was, as config.json has it."""
    recorded = '"shards"' in json.dumps(config.trained_on)
    kind = "Recorded clips are among it" if recorded else "It is simulated" if config.trained_on else ""
    return [
        *([f"{kind}. `low` is the poor domain, `high` the good one.", ""] if kind else []),
        *_block(config.trained_on, "`config.json` does not say what it was trained on."),
    ]


def _block(found: dict[str, Any], otherwise: str) -> list[str]:
    found = {name: value for name, value in found.items() if name != "held_out"}
    return ["```json", json.dumps(found, indent=1, sort_keys=True), "```"] if found else [otherwise]


def _measured(scores: Any) -> list[str]:
    if not isinstance(scores, dict) or not scores:
        return ["Nothing was measured on held-out clips."]
    rows = [f"| {name} | {value:.4g} |" for name, value in scores.items() if isinstance(value, int | float)]
    return [
        "On held-out clips of the training data, none of them seen:",
        "",
        "| score | value |",
        "|---|---|",
        *rows,
    ]
