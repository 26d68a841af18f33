"""A DICOMweb server: which instances a study has (QIDO-RS), one of them (WADO-RS), a result back (STOW-RS).

Source: PS3.18, 10.4 to 10.6.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from echogan.archive.pacs.instances import Instance, instance_of
from echogan.archive.pacs.libraries import dicomweb_client, requests
from echogan.clips.dicom.exchange import read_object
from echogan.core.errors import DicomServerError, EchoGANError, ObjectRefused, SettingsError

TOKEN, LOGIN = "ECHOGAN_DICOMWEB_TOKEN", "ECHOGAN_DICOMWEB_LOGIN"
TIMEOUT = (10.0, 120.0)  # seconds to connect, and until something comes
UID = re.compile(r"[0-9]+(\.[0-9]+)*")
LOOPBACK = ("127.0.0.1", "localhost")
ULTRASOUND = {"Modality": "US"}
NO_DICOMWEB = "The server at {} does not answer as DICOMweb does: check the address, such as http://pacs:8042/dicom-web."


class DicomWebServer:
    """A server by its base URL; token or login come from the environment. Raises SettingsError.

    Every method raises DicomServerError.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
            raise SettingsError(
                "The server is given as http://host:port/path or https://host/path, without a name and password: "
                f"those come from {LOGIN} or {TOKEN}."
            )
        self.site = parts.netloc
        self.open_to_others = parts.scheme == "http" and parts.hostname not in LOOPBACK
        session = requests().Session()
        session.auth = _authentication()
        self._client = dicomweb_client().DICOMwebClient(url.rstrip("/"), session=session, timeout=TIMEOUT)
        self._client.set_http_retry_params(retry=False)

    def instances(self, uid: str) -> list[Instance]:
        """The ultrasound of the study or of the study of the series that `uid` names, in the order of its numbers.

        Raises SettingsError where the server has neither.
        """
        study, series = self._place(uid)
        found = self._asked(
            lambda: self._client.search_for_series(study_instance_uid=study, search_filters=ULTRASOUND)
        )
        places = [instance_of(one).series for one in found if isinstance(one, dict)]
        instances = [one for place in places if place for one in self._of_series(study, place)]
        chosen = [one for one in instances if series in ("", one.series) or one.ours]
        return sorted(chosen, key=lambda one: (one.series_number, one.number))

    def _place(self, uid: str) -> tuple[str, str]:
        """(study, series) of a UID; series is "" where it is a study's."""
        if len(uid) > 64 or not UID.fullmatch(uid):
            raise SettingsError(f"'{uid[:70]}' is no UID: give the UID of a study or of a series.")
        with suppress(ObjectRefused):  # many servers answer 404 for a study that they do not have
            found = self._asked(lambda: self._client.search_for_series(uid), of_one_object=True)
            if any(instance_of(one).series for one in found if isinstance(one, dict)):
                return uid, ""
        found = self._asked(lambda: self._client.search_for_series(search_filters={"SeriesInstanceUID": uid}))
        # Looked at again, as a server that does not know the filter may answer with all that it has.
        for one in (instance_of(one) for one in found if isinstance(one, dict)):
            if one.series == uid and one.study:
                return one.study, uid
        raise SettingsError(f"The server at {self.site} has no study and no series of this UID.")

    def _of_series(self, study: str, series: str) -> list[Instance]:
        found = self._asked(lambda: self._client.retrieve_series_metadata(study, series))
        return [instance_of(one) for one in found if isinstance(one, dict)]

    def fetch(self, instance: Instance, target: Path) -> None:
        """Write an instance as it is stored into a file. Raises ObjectRefused where the server does not give it."""
        found = self._asked(
            lambda: self._client.retrieve_instance(instance.study, instance.series, instance.uid),
            of_one_object=True,
        )
        with _explained(self.site, of_one_object=True):
            found.save_as(target, enforce_file_format=True)

    def store(self, path: Path, study: str) -> None:
        """Send a file into its study. Raises ObjectRefused where the server does not take it."""
        sent = read_object(path)
        answer = self._asked(
            lambda: self._client.store_instances([sent], study_instance_uid=study), of_one_object=True
        )
        if answer.get("FailedSOPSequence"):
            raise ObjectRefused(f"The server at {self.site} did not take the result.")

    def _asked(self, ask: Callable[[], Any], of_one_object: bool = False) -> Any:
        with _explained(self.site, of_one_object):
            return ask()


def _authentication() -> Any:
    """What signs a request, from the environment; None where nothing is given. Never part of a message."""
    token, login = os.environ.get(TOKEN, "").strip(), os.environ.get(LOGIN, "")
    if token and login:
        raise SettingsError(f"{TOKEN} and {LOGIN} are both set: set one of them.")
    if login:
        name, colon, password = login.partition(":")
        if not (name and colon and password):
            raise SettingsError(f"{LOGIN} takes a name and a password with a colon between them.")
        return requests().auth.HTTPBasicAuth(name.encode(), password.encode())
    if not token:
        return None
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise SettingsError(f"{TOKEN} takes a bearer token alone, without spaces.")

    def bearer(request: Any) -> Any:
        request.headers["Authorization"] = f"Bearer {token}"
        return request

    return bearer


@contextmanager
def _explained(site: str, of_one_object: bool = False) -> Iterator[None]:
    """Turn what the libraries raise into one sentence; none quotes an answer or a UID."""
    http = requests().exceptions
    try:
        yield
    except EchoGANError:
        raise
    except http.HTTPError as error:
        raise _refusal(site, getattr(error.response, "status_code", 0), of_one_object) from None
    except http.SSLError:
        raise DicomServerError(
            f"The certificate of {site} is not trusted: name the hospital's own authority by REQUESTS_CA_BUNDLE."
        ) from None
    except http.Timeout:
        raise DicomServerError(f"The server at {site} does not answer in time: try again later.") from None
    except (http.ChunkedEncodingError, http.ContentDecodingError):
        raise DicomServerError(f"The server at {site} broke off its answer: start again.") from None
    except http.JSONDecodeError:
        raise DicomServerError(NO_DICOMWEB.format(site)) from None
    except http.RequestException:
        raise DicomServerError(
            f"The server at {site} cannot be reached: check address and network."
        ) from None
    except OSError as error:
        raise DicomServerError(f"What {site} sent cannot be kept ({error.strerror}).") from None
    except Exception:  # an answer that is none makes the library raise anything
        if of_one_object:
            raise ObjectRefused(f"The server at {site} gave or answered what is no DICOM object.") from None
        raise DicomServerError(NO_DICOMWEB.format(site)) from None


def _refusal(site: str, status: int, of_one_object: bool) -> DicomServerError:
    if status in (401, 403):
        return DicomServerError(
            f"The server at {site} does not let this program in ({status}): set {TOKEN} or {LOGIN} to what it wants."
        )
    if status >= 500:
        return DicomServerError(f"The server at {site} has a fault of its own ({status}): try again later.")
    if of_one_object:
        return ObjectRefused(f"The server at {site} refuses this object ({status}).")
    return DicomServerError(NO_DICOMWEB.format(site))
