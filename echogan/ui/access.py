"""Who may use this server, as its owner says in the environment: addresses, password, training, folders."""

from __future__ import annotations

import os
import re
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Any

from echogan.core.errors import SettingsError
from echogan.core.users import Users
from echogan.model.checkpoints.checkpoint import bundled_checkpoints
from echogan.ui.login import Login

LOOPBACK = "127.0.0.1"
HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?", re.ASCII)
HOST = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?|\[?[0-9a-f:.]+\]?")


def is_space() -> bool:
    """Whether this is a Hugging Face Space, whose visitors are strangers."""
    return bool(os.environ.get("SPACE_ID") or os.environ.get("SPACE_HOST"))


def server_name() -> str:
    """The address that the server listens on: GRADIO_SERVER_NAME, else this machine alone."""
    return os.environ.get("GRADIO_SERVER_NAME") or LOOPBACK


def named_hosts() -> frozenset[str]:
    """The host names under which the owner serves the page: ECHOGAN_HOSTS, with commas, and a Space's own.

    Raises SettingsError where one is no host name.
    """
    given = f"{os.environ.get('ECHOGAN_HOSTS', '')},{os.environ.get('SPACE_HOST', '')}"
    names = {name.strip().lower().rstrip(".") for name in given.split(",") if name.strip()}
    for name in names:
        if not HOST.fullmatch(name):
            raise SettingsError(
                "ECHOGAN_HOSTS takes host names with commas between them, such as echo.example.org, without https:// "
                "and without a port."
            )
    return frozenset(name.strip("[]") for name in names)


def is_loopback(name: str) -> bool:
    """Whether a host name means this machine itself."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def own_machine() -> bool:
    """Whether only users of this machine can reach the page. Raises SettingsError as `named_hosts` does."""
    return is_loopback(server_name()) and not is_space() and not named_hosts()


def login() -> tuple[str, str] | Login | None:
    """Who may log in, as ECHOGAN_AUTH says: the path of a users file, or one name:password; None where it is not set.

    Raises SettingsError.
    """
    given = os.environ.get("ECHOGAN_AUTH", "")
    if not given:
        return None
    name, colon, password = given.partition(":")
    if not colon:
        return Login(Users(Path(given).expanduser()))
    if not name or not password:
        raise SettingsError(
            "ECHOGAN_AUTH takes the path of a users file, or a name and a password with a colon between them: "
            "name:password."
        )
    return name, password


def offered_models() -> tuple[str, ...]:
    """The models that the host offers: ECHOGAN_MODELS, with commas; empty where every model may be used.

    Raises SettingsError where one is neither a bundled name nor user/model[@revision] of the Hub.
    """
    given = os.environ.get("ECHOGAN_MODELS", "")
    names = tuple(dict.fromkeys(name.strip() for name in given.split(",") if name.strip()))
    bundled = {path.name for path in bundled_checkpoints()}
    for name in names:
        if name not in bundled and not HUB_NAME.fullmatch(name):
            raise SettingsError(
                f"ECHOGAN_MODELS takes bundled models ({', '.join(sorted(bundled))}) and user/model or "
                f"user/model@revision of the Hub, with commas between them; '{name[:80]}' is neither."
            )
    return names


def training_allowed() -> bool:
    """Whether the Train tab is on: on one's own machine, or with ECHOGAN_TRAIN=1 and a login; 0 turns it off."""
    return _owners_alone("ECHOGAN_TRAIN")


def studies_allowed() -> bool:
    """Whether the Studies tab is on: on one's own machine, or with ECHOGAN_STUDY=1 and a login; 0 turns it off.

    The reading page is reached by readers' links, whether the tab is on or not.
    """
    return _owners_alone("ECHOGAN_STUDY")


def _owners_alone(variable: str) -> bool:
    """Whether a tab is on that only the machine's owner may use: where nobody else can reach it, or behind a login."""
    wish = os.environ.get(variable, "").strip().lower()
    if wish and wish not in ("1", "true", "yes", "on"):
        return False
    return own_machine() or (bool(wish) and login() is not None)


def data_folders() -> list[Path]:
    """The folders of clips that the Train and Studies tabs may read: ECHOGAN_DATA_FOLDERS, separated as PATH is."""
    given = os.environ.get("ECHOGAN_DATA_FOLDERS", "").split(os.pathsep)
    return [Path(folder).expanduser().resolve() for folder in given if folder.strip()]


def address_of(request: Any) -> str:
    """Where a request comes from, "" where that is not known. One household has a whole /64 of IPv6 addresses."""
    host = getattr(getattr(request, "client", None), "host", None) or ""
    try:
        found = ip_address(host.partition("%")[0])
    except ValueError:
        return ""
    if not isinstance(found, IPv6Address):
        return str(found)
    return str(found.ipv4_mapped or IPv6Address(int(found) >> 64 << 64))
