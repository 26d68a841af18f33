"""What whoever runs studies can do on the page, each act by its name. All of it is written to the study's log."""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from echogan.core.errors import SettingsError, StudyError
from echogan.core.settings import NAME
from echogan.study.creation import DEFAULT_MODEL, MASKS, load_protocol
from echogan.study.default_protocols import PROTOCOLS
from echogan.study.protocol import Protocol
from echogan.study.readiness import open_study
from echogan.study.store.audit import verify
from echogan.study.store.lifecycle import close, confirm_media, freeze, unblind
from echogan.study.store.readers import LINK_DAYS, invite, readers, renew_link, revoke
from echogan.study.store.reading import override_washout
from echogan.study.store.store import Store
from echogan.ui.study.files import back_up, write_file
from echogan.ui.study.making import OWNER, Making
from echogan.ui.study.overview import overview, protocol_facts, stimulus_ids
from echogan.ui.study.studies import Studies

Sent = dict[str, Any]
UNCLEAR = "The page sent something that the server does not understand. Reload the page."
NOT_OFFERED = (
    "This is not there among the folders that this server offers (ECHOGAN_DATA_FOLDERS). Check the path."
)


class Administration:
    """Every public method is an act: it takes what the page sent and answers with JSON. Raises EchoGANError."""

    def __init__(
        self, studies: Studies, folders: Callable[[], list[Path]], shown: Callable[[], Path], making: Making
    ) -> None:
        """`folders`: where clips may be taken from. `shown`: a folder whose files the page can fetch."""
        self.studies, self.folders, self.shown, self.making = studies, folders, shown, making

    def look(self, sent: Sent) -> dict[str, Any]:
        """The list of studies, and everything about the chosen one."""
        names = self.studies.names()
        name = sent.get("study")
        found: dict[str, Any] = {
            "studies": names,
            "making": self.making.status(),
            "protocols": list(PROTOCOLS),
        }
        found["folders"] = bool(self.folders())
        if isinstance(name, str) and name in names:
            try:
                found["study"] = {"name": name, **overview(self.studies.store(name))}
            except StudyError as error:
                found["study"] = {"name": name, "broken": str(error)}
        return found

    def preview(self, sent: Sent) -> dict[str, Any]:
        """The protocol as the form says, before anything is made."""
        return protocol_facts(self._protocol(sent))

    def create(self, sent: Sent) -> dict[str, Any]:
        """Begin to make a study of a folder or list of clips on the server."""
        name = _text(sent, "name", 96)
        if not re.fullmatch(NAME, name):
            raise SettingsError("Give the study a plain name: letters, digits, - and _, no patient's.")
        folder = self.studies.folder / name
        if folder.exists():
            raise StudyError(f"There is a study '{name}' already: give another name.")
        place, protocol = self._place(_text(sent, "place", 4096)), self._protocol(sent)
        self.making.start(place, folder, protocol, _text(sent, "model", 200) or DEFAULT_MODEL)
        return {}

    def stop(self, sent: Sent) -> dict[str, Any]:
        """Stop the making of a study."""
        self.making.stop()
        return {}

    def stimulus(self, sent: Sent) -> dict[str, Any]:
        """A file to look at, by its number in an order that tells nothing."""
        store, ids = self._store(sent), stimulus_ids(self._store(sent))
        number = sent.get("number")
        if type(number) is not int or not 0 <= number < len(ids):
            raise SettingsError(UNCLEAR)
        path = self._shown_folder() / "stimulus.webm"
        try:
            shutil.copyfile(store.media / f"{ids[number]}.webm", path)
        except OSError as error:
            raise StudyError(f"The stimulus could not be shown ({error.strerror}): check the disk.") from None
        return {"path": str(path), "number": number, "of": len(ids)}

    def masks(self, sent: Sent) -> dict[str, Any]:
        """The sheet of what is hidden over the tissue."""
        path = self._shown_folder() / MASKS
        try:
            shutil.copyfile(self._store(sent).folder / MASKS, path)
        except OSError:
            raise StudyError(
                f"The study's folder has no {MASKS}: it is made with a study, and not exported."
            ) from None
        return {"path": str(path)}

    def confirm(self, sent: Sent) -> dict[str, Any]:
        """Somebody looked at the stimuli: no names, no text."""
        confirm_media(self._store(sent), OWNER)
        return {}

    def rehearse(self, sent: Sent) -> dict[str, Any]:
        """A link to a copy of the study that may be read as a reader does."""
        self._store(sent)
        return {"token": self.studies.rehearse(_text(sent, "study", 200))}

    def open(self, sent: Sent) -> dict[str, Any]:
        """Let readers in."""
        open_study(self._store(sent), OWNER)
        return {}

    def invite(self, sent: Sent) -> dict[str, Any]:
        """One more reader, and the token of their link, which is told once."""
        years = sent.get("years")
        if years is not None and type(years) not in (int, float):
            raise SettingsError(UNCLEAR)
        reader, token = invite(
            self._store(sent), OWNER, _text(sent, "role", 40), years, float(_number(sent, "days", LINK_DAYS))
        )
        return {"reader": reader.name, "token": token}

    def renew(self, sent: Sent) -> dict[str, Any]:
        """Another link for a reader; the one before stops working."""
        name = _text(sent, "reader", 40)
        return {"reader": name, "token": renew_link(self._store(sent), OWNER, name)}

    def revoke(self, sent: Sent) -> dict[str, Any]:
        """End a reader's link."""
        revoke(self._store(sent), OWNER, _text(sent, "reader", 40))
        return {}

    def washout(self, sent: Sent) -> dict[str, Any]:
        """Let a reader begin the next session early, for a reason."""
        store, name = self._store(sent), _text(sent, "reader", 40)
        reader = next((reader for reader in readers(store) if reader.name == name), None)
        if reader is None:
            raise StudyError("There is no such reader in this study: choose one of its list.")
        override_washout(store, OWNER, reader, _text(sent, "reason", 500))
        return {}

    def freeze(self, sent: Sent) -> dict[str, Any]:
        """End the reading."""
        freeze(self._store(sent), OWNER)
        return {}

    def unblind(self, sent: Sent) -> dict[str, Any]:
        """Allow the arms to be read, for a reason that is logged."""
        unblind(self._store(sent), OWNER, _text(sent, "reason", 500))
        return {}

    def close(self, sent: Sent) -> dict[str, Any]:
        """End the study."""
        close(self._store(sent), OWNER)
        return {}

    def backup(self, sent: Sent) -> dict[str, Any]:
        """Copy the database into the study's folder."""
        return {"name": back_up(self._store(sent), OWNER)}

    def file(self, sent: Sent) -> dict[str, Any]:
        """Write one of the files that can be fetched after unblinding."""
        store, kind = self._store(sent), _text(sent, "kind", 40)
        path = write_file(store, kind, self._shown_folder(), OWNER)
        return {"path": str(path), "name": path.name}

    def verify(self, sent: Sent) -> dict[str, Any]:
        """Whether the log and the tables made from it are as they were written."""
        return {"faults": verify(self._store(sent))}

    def _store(self, sent: Sent) -> Store:
        return self.studies.store(_text(sent, "study", 200))

    def _protocol(self, sent: Sent) -> Protocol:
        """A default protocol or a JSON file of an offered folder, with what the form changes. Raises StudyError."""
        name = _text(sent, "protocol", 4096)
        protocol = load_protocol(name if name in PROTOCOLS else str(self._place(name)))
        training = _number(sent, "training", None)
        if training is not None:
            parts = tuple(replace(part, training=int(training)) for part in protocol.parts)
            protocol = replace(protocol, parts=parts)
        protocol = replace(
            protocol,
            title=_text(sent, "title", 200).strip() or protocol.title,
            readers=int(_number(sent, "readers", protocol.readers)),
            washout_days=float(_number(sent, "washout_days", protocol.washout_days)),
        )
        protocol.check()
        return protocol

    def _place(self, path: str) -> Path:
        """A folder or file inside those that the owner offers. Raises SettingsError, the same whether it exists."""
        try:
            place = Path(path.strip()).expanduser().resolve()
            if any(place.is_relative_to(offered) for offered in self.folders()) and place.exists():
                return place
        except (OSError, ValueError, RuntimeError):
            pass
        raise SettingsError(NOT_OFFERED)

    def _shown_folder(self) -> Path:
        """A new folder, of a name that cannot be guessed, whose files the page can fetch."""
        folder = self.shown() / secrets.token_hex(16)
        try:
            folder.mkdir(parents=True, mode=0o700)
        except OSError as error:
            raise StudyError(f"The file could not be shown ({error.strerror}): check the disk.") from None
        return folder


def acts(administration: Administration) -> dict[str, Callable[[Sent], dict[str, Any]]]:
    """Every act by its name."""
    names = [name for name in vars(type(administration)) if not name.startswith("_")]
    return {name: getattr(administration, name) for name in names}


def _text(sent: Sent, name: str, longest: int) -> str:
    value = sent.get(name, "")
    if not isinstance(value, str) or len(value) > longest:
        raise SettingsError(UNCLEAR)
    return value


def _number(sent: Sent, name: str, usual: Any) -> Any:
    """A number that the form sent; `usual` where its field is empty."""
    value = sent.get(name)
    if value is None or value == "":
        return usual
    if type(value) not in (int, float) or not abs(value) < 1e6:
        raise SettingsError(UNCLEAR)
    return value
