"""A DICOMweb server on 127.0.0.1 that keeps its objects in memory: QIDO-RS of series, WADO-RS, STOW-RS (PS3.18)."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pydicom
from pydicom.dataset import Dataset

JSON = "application/dicom+json"
EDGE = "edge-of-a-part"


class FakeDicomWeb:
    """What it has, and how it misbehaves.

    token         what requests must bear; "" lets everybody in
    status        of every answer, where it is not 0
    refuse        how many stored objects are refused, with 202 and a FailedSOPSequence
    body          of every answer, where it is not None
    log           "METHOD path" of every request; headers are those that came with it
    """

    def __init__(self) -> None:
        self.kept: list[bytes] = []
        self.token, self.status, self.refuse, self.body = "", 0, 0, None
        self.log: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""

    def add(self, path: Path) -> None:
        """Put a file into it."""
        self.kept.append(path.read_bytes())

    def objects(self) -> list[Dataset]:
        """All that it has."""
        return [pydicom.dcmread(io.BytesIO(data)) for data in self.kept]

    def answer(
        self, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, str, bytes]:
        """(status, content type, body) of a request."""
        parts = urlsplit(target)
        self.log.append(f"{method} {parts.path}")
        self.headers.append(headers)
        if self.token and headers.get("Authorization") != f"Bearer {self.token}":
            return 401, "text/plain", b"who are you"
        if self.status:
            return self.status, "text/plain", b"no"
        if self.body is not None:
            return 200, JSON, self.body
        steps = parts.path.strip("/").split("/")
        if method == "POST":
            return self._store(headers, body)
        if steps[-1] == "series":
            study = steps[1] if len(steps) == 3 else ""
            return self._series(study, {k: v[0] for k, v in parse_qs(parts.query).items()})
        if steps[-1] == "metadata":
            found = [one for one in self.objects() if one.SeriesInstanceUID == steps[3]]
            return 200, JSON, json.dumps([_without_pixels(one) for one in found]).encode()
        for data, one in zip(self.kept, self.objects(), strict=True):
            if one.SOPInstanceUID == steps[-1]:
                part = f"--{EDGE}\r\nContent-Type: application/dicom\r\n\r\n".encode() + data
                kind = f'multipart/related; type="application/dicom"; boundary={EDGE}'
                return 200, kind, part + f"\r\n--{EDGE}--".encode()
        return 404, "text/plain", b"not here"

    def _series(self, study: str, wanted: dict[str, str]) -> tuple[int, str, bytes]:
        found: dict[str, dict[str, Any]] = {}
        for one in self.objects():
            if study in ("", one.StudyInstanceUID) and all(
                str(one.get(keyword)) == value for keyword, value in wanted.items()
            ):
                told = Dataset()
                told.Modality, told.StudyInstanceUID = one.Modality, one.StudyInstanceUID
                told.SeriesInstanceUID = one.SeriesInstanceUID
                found[one.SeriesInstanceUID] = told.to_json_dict()
        return 200, JSON, json.dumps(list(found.values())).encode()

    def _store(self, headers: dict[str, str], body: bytes) -> tuple[int, str, bytes]:
        edge = b"--" + headers["Content-Type"].partition('boundary="')[2].rstrip('"').encode()
        for part in body.split(edge)[1:-1]:
            data = part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
            told = Dataset()
            sent = pydicom.dcmread(io.BytesIO(data))
            item = Dataset()
            item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sent.SOPClassUID, sent.SOPInstanceUID
            if self.refuse:
                self.refuse -= 1
                item.FailureReason = 0xA700
                told.FailedSOPSequence = [item]
                return 202, JSON, told.to_json().encode()
            self.kept.append(data)
            told.ReferencedSOPSequence = [item]
            return 200, JSON, told.to_json().encode()
        return 400, "text/plain", b"nothing"


def _without_pixels(one: Dataset) -> dict[str, Any]:
    one.pop("PixelData", None)
    return one.to_json_dict()


@contextmanager
def fake_dicomweb() -> Iterator[FakeDicomWeb]:
    """An empty server."""
    server = FakeDicomWeb()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            pass

        def _serve(self) -> None:
            body = self._body()
            status, kind, answer = server.answer(self.command, self.path, dict(self.headers), body)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = []
            while length := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(length))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        do_GET = do_POST = _serve

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        server.url = f"http://127.0.0.1:{http.server_address[1]}"
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        yield server
        http.shutdown()
