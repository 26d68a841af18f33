"""The libraries that only DICOM servers need; they are installed by requirements-dicom.txt."""

from __future__ import annotations

import logging
from importlib import import_module
from typing import Any

from echogan.core.errors import SettingsError

MISSING = "This needs the package {}, which is not installed: pip install -r requirements-dicom.txt."


def dicomweb_client() -> Any:
    """The module `dicomweb_client.api`, and no line of it in a log: it writes UIDs there. Raises SettingsError."""
    try:
        module = import_module("dicomweb_client.api")
    except ImportError:
        raise SettingsError(MISSING.format("dicomweb-client")) from None
    logging.getLogger("dicomweb_client").setLevel(logging.CRITICAL + 1)
    logging.getLogger("urllib3").setLevel(logging.CRITICAL + 1)
    return module


def requests() -> Any:
    """The module `requests`, which comes with dicomweb-client."""
    dicomweb_client()
    return import_module("requests")


def pynetdicom() -> Any:
    """The module `pynetdicom`, and no line of it in a log: it writes UIDs there. Raises SettingsError."""
    try:
        module = import_module("pynetdicom")
    except ImportError:
        raise SettingsError(MISSING.format("pynetdicom")) from None
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL + 1)
    return module
