"""A DICOM node that takes ultrasound cines by C-STORE, and a loop that enhances and delivers them in order.

Source: PS3.4, Annex A (Verification) and Annex B (Storage), Table B.2-1 for the statuses.
"""

from __future__ import annotations

import hashlib
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from echogan.archive.pacs.delivery import Delivery, check_title
from echogan.archive.pacs.libraries import pynetdicom
from echogan.archive.pacs.one_object import ObjectJob, enhance_object
from echogan.archive.pacs.store_queue import QueueFull, StoreQueue
from echogan.clips.dicom.exchange import MULTI_FRAME_CLASSES, SYNTAXES, object_facts, object_key
from echogan.core.errors import (
    Cancelled,
    DicomServerError,
    EchoGANError,
    ObjectRefused,
    OutputError,
    SettingsError,
)
from echogan.core.settings import check_settings, number, text

SUCCESS, NO_ROOM, OTHER_KIND, UNREADABLE = 0x0000, 0xA700, 0xA900, 0xC000
VERIFICATION = "1.2.840.10008.1.1"
IDLE_SECONDS = 0.5
FIRST_WAIT, LONGEST_WAIT = 5.0, 300.0  # seconds until a receiver that failed is asked again

Tell = Callable[[str], None]


@dataclass(frozen=True)
class ListenSettings:
    """Where the node listens, and whom it answers."""

    host: str = text("127.0.0.1", "address to listen on; 127.0.0.1 is this machine alone")
    port: int = number(11112, "port to listen on", 1, 65535)
    title: str = text("ECHOGAN", "application entity title of this node")
    accept_from: str = text("", "titles of the nodes that may send, with commas; any node where not given")
    most_waiting: int = number(
        500, "how many clips may wait; then senders are told to come again", 1, 100_000
    )
    most_senders: int = number(4, "how many nodes may send at a time", 1, 100)
    max_object_bytes: int = number(2 * 2**30, "end the association of a node that sends a larger object", 1)

    def check(self) -> None:
        """Raise SettingsError unless every value can be used."""
        check_settings(self)
        for title in (self.title, *self.senders):
            check_title(title)

    @property
    def senders(self) -> list[str]:
        """The titles that may send."""
        return [title.strip() for title in self.accept_from.split(",") if title.strip()]


@contextmanager
def receiving(settings: ListenSettings, queue: StoreQueue, tell: Tell) -> Iterator[None]:
    """Answer C-ECHO and C-STORE while the block runs; what was taken is on the disk. Raises SettingsError."""
    library = pynetdicom()
    library._config.STORE_RECV_CHUNKED_DATASET = True  # to a file, not into memory
    tempfile.tempdir = str(queue.incoming)  # where the library makes that file
    entity = library.AE(ae_title=settings.title)
    entity.maximum_associations = settings.most_senders
    entity.require_calling_aet = settings.senders
    entity.add_supported_context(VERIFICATION)
    for sop_class in MULTI_FRAME_CLASSES:
        entity.add_supported_context(sop_class, list(SYNTAXES))
    size = SizeLimit(settings.max_object_bytes, tell)
    handlers = [
        (library.evt.EVT_C_STORE, lambda event: take(event, queue, tell)),
        (library.evt.EVT_CONN_OPEN, lambda event: queue.remove_abandoned()),
        (library.evt.EVT_DATA_RECV, size.add),
        (library.evt.EVT_DIMSE_RECV, size.begin_anew),
    ]
    try:
        server = entity.start_server((settings.host, settings.port), block=False, evt_handlers=handlers)
    except OSError as error:
        raise SettingsError(
            f"Nothing can listen at {settings.host}:{settings.port} ({error.strerror}): give another --port."
        ) from None
    try:
        yield
    finally:
        server.shutdown()


class SizeLimit:
    """Ends an association whose node sends more than `most` bytes without the end of a message."""

    def __init__(self, most: int, tell: Tell) -> None:
        self._most, self._tell = most, tell
        self._came: WeakKeyDictionary[Any, int] = (
            WeakKeyDictionary()
        )  # by association, each in its own thread

    def add(self, event: Any) -> None:
        """Count what came. What comes after the end of an association is not kept."""
        came = self._came.get(event.assoc, 0) + len(event.data)
        self._came[event.assoc] = came
        if came > self._most and not event.assoc.is_aborted:
            self._tell("An object was refused: it has more bytes than --max-object-bytes.")
            event.assoc.abort()

    def begin_anew(self, event: Any) -> None:
        """A message is whole; the next one has the limit to itself."""
        self._came[event.assoc] = 0


def take(event: Any, queue: StoreQueue, tell: Tell) -> int:
    """The status that answers a C-STORE request: success once the object is in the queue."""
    try:
        facts = object_facts(event.dataset_path)
        if facts.sop_class != str(event.request.AffectedSOPClassUID) or facts.modality not in ("US", ""):
            tell("An object was refused: it is not what it was announced as, or no ultrasound.")
            return OTHER_KIND
        if facts.ours:  # a node that sends on whatever it gets would else go in circles with this one
            tell("A result of this program came back and was left alone.")
            return SUCCESS
        tell(f"Clip {queue.put(event.dataset_path)}: received.")
        return SUCCESS
    except QueueFull:
        tell("An object was refused: as many clips wait as may.")
        return NO_ROOM
    except EchoGANError:
        tell("An object was refused: its header cannot be read.")
        return UNREADABLE
    except OSError as error:
        tell(f"An object was refused: it cannot be kept ({error.strerror}).")
        return NO_ROOM


class Worker:
    """Enhances what was received, in order, and delivers the results. Its lines name clips by number alone."""

    def __init__(self, queue: StoreQueue, job: ObjectJob, delivery: Delivery, tell: Tell) -> None:
        self._queue, self._job, self._delivery, self._tell = queue, job, delivery, tell
        self._wait, self._not_before = FIRST_WAIT, 0.0

    def run(self, cancel: threading.Event) -> None:
        """Work until `cancel` is set. What is not done by then stays in the queue."""
        while not cancel.is_set():
            try:
                busy = self.deliver_one() or self.enhance_one(cancel)
            except Cancelled:
                return
            if not busy:
                cancel.wait(IDLE_SECONDS)

    def enhance_one(self, cancel: threading.Event | None = None) -> bool:
        """Enhance the next clip; False where there is none. Raises Cancelled."""
        if (found := self._queue.to_enhance()) is None:
            return False
        number, source, target = found
        began = time.monotonic()
        try:
            key = self._key(source)
            if self._queue.was_done(key):  # a cart that had no answer sends it again
                self._tell(f"Clip {number}: was enhanced before, and is left alone.")
                self._queue.drop(number)
                return True
            warnings = enhance_object(source, target, self._job, cancel=cancel)
        except (Cancelled, OutputError):  # the disk is full, which is not the clip's fault
            raise
        except EchoGANError as error:
            self._tell(f"Clip {number}: not enhanced. {error}")
        except Exception as error:  # its message may quote the object; the next clip has its turn
            self._tell(f"Clip {number}: not enhanced. A fault of the program ({type(error).__name__}).")
        else:
            words = "".join(f" {warning}" for warning in warnings)
            self._tell(f"Clip {number}: enhanced in {time.monotonic() - began:.1f} s.{words}")
            self._queue.note_done(key)
        self._queue.drop(number)
        return True

    def _key(self, source: Path) -> str:
        """Equal for two objects that have the same result at the same place."""
        job, model = self._job, self._job.checkpoint
        parts = (
            object_key(source),
            model.sha256,
            model.config.applied,
            job.settings,
            job.keep_identity,
            self._delivery,
        )
        return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()

    def deliver_one(self) -> bool:
        """Deliver the next result; False where there is none, or where its receiver failed a moment ago."""
        found = self._queue.to_deliver()
        if found is None or time.monotonic() < self._not_before:
            return False
        number, path = found
        try:
            self._delivery.deliver(path)
        except ObjectRefused as error:
            self._queue.put_aside(number)
            self._tell(f"Clip {number}: its result was put aside. {error}")
            return True
        except (DicomServerError, OutputError) as error:
            self._tell(f"Clip {number}: its result waits. {error} Trying again in {self._wait:.0f} s.")
            self._not_before = time.monotonic() + self._wait
            self._wait = min(2 * self._wait, LONGEST_WAIT)
            return False
        self._wait = FIRST_WAIT
        self._queue.delivered(number)
        self._tell(f"Clip {number}: delivered.")
        return True
