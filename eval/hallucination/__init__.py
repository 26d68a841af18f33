"""Hallucination: networks that erase or invent lesions, and how well diagnostics see it."""
