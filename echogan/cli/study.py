"""`python -m echogan study`: make, check, open and end a reader study, and get its ratings out."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

from tyro.conf import OmitArgPrefixes, Positional, arg, subcommand

from echogan.cli.console import progress_bar, stop_on_interrupt
from echogan.cli.study_analysis import Analyse, Demo, Plan
from echogan.cli.study_files import ACTOR, Backup, Export, Folder, Import, Restore, Table, Target
from echogan.core.atomic import write_whole
from echogan.core.errors import StudyError
from echogan.enhance.enhancer import EnhanceSettings
from echogan.study.creation import create_study, load_protocol
from echogan.study.hub_events import open_store
from echogan.study.readiness import open_study, readiness
from echogan.study.store import lifecycle, monitor, readers, reading
from echogan.study.store.audit import verify
from echogan.study.store.readers import LINK_DAYS

NOT_READY = 1


@dataclass
class Create:
    """Make a draft: blinded stimuli of a folder's or a list's clips, under pseudonyms."""

    place: Annotated[
        Positional[Path],
        arg(
            metavar="CLIPS",
            help="a folder (with original/ and enhanced/ in it, or of originals alone), or a .csv",
        ),
    ]
    study: Annotated[Positional[Path], arg(metavar="STUDY", help="the folder to make")]
    protocol: str = "single"
    """single, pair, fidelity, or a JSON file that `study protocol` wrote and you changed"""
    readers: int | None = None
    """readers planned; the protocol's own number where not given"""
    model: str = "echogan"
    """makes the enhanced clips that are not given: a checkpoint's name, folder or user/model"""
    settings: OmitArgPrefixes[EnhanceSettings] = field(default_factory=EnhanceSettings)

    def run(self) -> int:
        """Do it; returns the exit code. Raises EchoGANError."""
        protocol = load_protocol(self.protocol)
        if self.readers is not None:
            protocol = replace(protocol, readers=self.readers)
        self.settings.check()
        with stop_on_interrupt() as cancel, progress_bar("stimuli", "clip", lines=True) as progress:
            made = create_study(
                self.place, self.study, protocol, self.model, self.settings, ACTOR, progress, cancel
            )
        print(f"{self.study}: {made}")
        print(f"Next: python -m echogan study check {self.study}")
        return 0


@dataclass
class WriteProtocol:
    """Write a protocol as JSON, to be read, changed or registered."""

    name: Annotated[Positional[str], arg(metavar="NAME", help="single, pair or fidelity")]
    target: Target

    def run(self) -> int:
        """Do it; returns the exit code."""
        protocol = load_protocol(self.name)
        text = json.dumps(json.loads(protocol.to_json()), indent=2, ensure_ascii=False)
        write_whole(self.target, f"{text}\n".encode())
        print(f"{self.target}: protocol {protocol.name}, SHA-256 {protocol.sha256}")
        return 0


@dataclass
class Check:
    """List what is ready and what keeps the study from opening; check the log. Exit code 1 where something does."""

    study: Folder

    def run(self) -> int:
        """Print it; returns the exit code."""
        store = open_store(self.study)
        known = lifecycle.facts(store)
        print(f"{known.title}: {known.state}{', unblinded' if known.unblinded else ''}")
        blocked = False
        if known.state == "draft":
            for point in readiness(store):
                blocked |= point.needed and not point.ok
                print(f"[{'x' if point.ok else ' ' if point.needed else '-'}] {point.sentence}")
        faults = verify(store)
        print("\n".join(faults) or "The log and the tables agree.")
        return NOT_READY if blocked or faults else 0


@dataclass
class Open:
    """Fix who is shown what, and let readers in."""

    study: Folder
    looked_at_media: bool = False
    """confirm that a person has looked at the stimuli and saw no names and no text"""

    def run(self) -> int:
        """Do it; returns the exit code."""
        store = open_store(self.study)
        if self.looked_at_media and not lifecycle.media_confirmed(store):
            lifecycle.confirm_media(store, ACTOR)
        open_study(store, ACTOR)
        print(f"{self.study}: open. Next: python -m echogan study invite {self.study}")
        return 0


@dataclass
class Invite:
    """Add a reader and print the link, which cannot be shown again; or renew the link of one."""

    study: Folder
    role: str = "reader"
    """such as cardiologist; no names: keep apart who got which pseudonym"""
    years: float | None = None
    """of experience"""
    days: float = LINK_DAYS
    """that the link is valid"""
    renew: Annotated[str | None, arg(metavar="READER")] = None
    """give this reader a new link, and end the old one"""

    def run(self) -> int:
        """Do it; returns the exit code."""
        store = open_store(self.study)
        if self.renew is not None:
            name, token = self.renew, readers.renew_link(store, ACTOR, self.renew, self.days)
        else:
            reader, token = readers.invite(store, ACTOR, self.role, self.years, self.days)
            name = reader.name
        print(f"{name}: /read/{token}   (behind the address of your server; valid {self.days:g} days)")
        return 0


@dataclass
class Status:
    """Show how far each reader is; no arms."""

    study: Folder

    def run(self) -> int:
        """Print it; returns the exit code."""
        found = monitor.monitor(open_store(self.study))
        if not found:
            print("Nobody is invited yet.")
        for one in found:
            agreement = (
                "" if one.repeat_agreement is None else f", {one.repeat_agreement:.0%} of repeats alike"
            )
            last = "" if one.last is None else f", last {time.strftime('%Y-%m-%d', time.gmtime(one.last))}"
            stalled = ", stalled" if one.stalled else ""
            print(
                f"{one.name} {one.role}: {one.done}/{one.total}, {one.state}, link {one.link}{last}{agreement}{stalled}"
            )
        return 0


@dataclass
class Override:
    """Let a reader begin the next session before the washout has ended; logged."""

    study: Folder
    reader: Annotated[Positional[str], arg(metavar="READER", help="such as R01")]
    reason: str
    """kept in the log"""

    def run(self) -> int:
        """Do it; returns the exit code."""
        store = open_store(self.study)
        found = [reader for reader in readers.readers(store) if reader.name == self.reader]
        if not found:
            raise StudyError(f"There is no reader '{self.reader}' in this study: see `study status`.")
        reading.override_washout(store, ACTOR, found[0], self.reason)
        print(f"{self.reader}: may go on; the reason is in the log.")
        return 0


@dataclass
class Freeze:
    """End the reading: no rating is taken any more."""

    study: Folder

    def run(self) -> int:
        """Do it; returns the exit code."""
        lifecycle.freeze(open_store(self.study), ACTOR)
        print(f"{self.study}: frozen.")
        return 0


@dataclass
class Unblind:
    """Allow the arms to be read, once the study is frozen; logged."""

    study: Folder
    reason: str
    """kept in the log"""

    def run(self) -> int:
        """Do it; returns the exit code."""
        lifecycle.unblind(open_store(self.study), ACTOR, self.reason)
        print(f"{self.study}: unblinded.")
        return 0


@dataclass
class Close:
    """End the study: nothing about it changes any more."""

    study: Folder

    def run(self) -> int:
        """Do it; returns the exit code."""
        lifecycle.close(open_store(self.study), ACTOR)
        print(f"{self.study}: closed.")
        return 0


Study = (
    Annotated[Create, subcommand("create")]
    | Annotated[WriteProtocol, subcommand("protocol")]
    | Annotated[Check, subcommand("check")]
    | Annotated[Open, subcommand("open")]
    | Annotated[Invite, subcommand("invite")]
    | Annotated[Status, subcommand("status")]
    | Annotated[Override, subcommand("override")]
    | Annotated[Freeze, subcommand("freeze")]
    | Annotated[Unblind, subcommand("unblind")]
    | Annotated[Close, subcommand("close")]
    | Annotated[Table, subcommand("table")]
    | Annotated[Analyse, subcommand("analyse")]
    | Annotated[Demo, subcommand("demo")]
    | Annotated[Plan, subcommand("plan")]
    | Annotated[Backup, subcommand("backup")]
    | Annotated[Export, subcommand("export")]
    | Annotated[Import, subcommand("import")]
    | Annotated[Restore, subcommand("restore")]
)
"""One of the subcommands, for tyro."""
