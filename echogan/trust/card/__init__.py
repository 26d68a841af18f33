"""The trust card of one enhanced clip: its numbers in words, and the card as a page and as a PDF."""
