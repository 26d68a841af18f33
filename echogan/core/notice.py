"""The research-only notice, word for word: all that is shown or written has it."""

NOTICE = "Research only, not for diagnosis"
"""Without a full stop: it stands alone, and inside sentences in lower case."""
MARK = "AI-enhanced, not for diagnosis"
"""Short enough to stand in a corner of the picture: every export of an enhanced clip carries it."""
NO_DEVICE = "EchoGANhance is not a medical device. Do not base clinical decisions on its images."
HALLUCINATION = "The network can remove structures that are there and invent structures that are not"
IN_FULL = f"{NOTICE}. A neural network made this image. {HALLUCINATION}, and no map shows every such place."
