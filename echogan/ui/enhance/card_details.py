"""What the page is told of the trust card: the words and numbers of the report, of the page to print and of the PDF."""

from __future__ import annotations

from typing import Any

from echogan.enhance.stored_result import StoredResult
from echogan.enhance.trust_stage import CARD_PICTURE
from echogan.trust.card.card import TITLE


def card_details(stored: StoredResult | None) -> dict[str, Any] | None:
    """All of it; None while it is not made."""
    if stored is None or not stored.trusted:
        return None
    card = stored.card
    return {
        "title": TITLE,
        "made_by": card.made_by,
        "strength": card.strength,
        "picture": str(stored.folder / CARD_PICTURE),
        "picture_shows": card.picture,
        "findings": [
            {
                "name": one.name,
                "label": one.label,
                "text": one.text,
                "sentence": one.sentence,
                "compared": one.compared,
            }
            for one in card.findings
        ],
        "covers": list(card.guarantee.covers),
        "does_not_cover": list(card.guarantee.does_not_cover),
    }
