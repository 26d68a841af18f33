"""Orthanc, a real DICOM server, on 127.0.0.1: Debian's packages orthanc and orthanc-dicomweb."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pydicom
import pytest
from app_process import free_port
from pydicom.dataset import Dataset

PLUGINS = Path("/usr/share/orthanc/plugins")
LOGIN = ("hospital", "secret-of-orthanc")
START_SECONDS = 60
AET = "ORTHANC"


class Orthanc:
    """A server that runs: where it is asked, and what it has."""

    def __init__(self, http: httpx.Client, port: int, dicom_port: int) -> None:
        self._http = http
        self.url, self.dicom_port = f"http://127.0.0.1:{port}/dicom-web", dicom_port

    def add(self, path: Path) -> None:
        """Put a file into it."""
        self._http.post("/instances", content=path.read_bytes()).raise_for_status()

    def objects(self) -> list[Dataset]:
        """All that it has."""
        found = [self._http.get(f"/instances/{one}/file").content for one in self._ids()]
        return [pydicom.dcmread(io.BytesIO(data)) for data in found]

    def _ids(self) -> list[str]:
        return self._http.get("/instances").json()


@contextmanager
def orthanc(folder: Path, login: bool = False, **more: Any) -> Iterator[Orthanc]:
    """An empty Orthanc with DICOMweb; the test is skipped where it is not installed."""
    binary = shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin")
    if binary is None or not (PLUGINS / "libOrthancDicomWeb.so").exists():
        pytest.skip("no Orthanc here: apt-get install orthanc orthanc-dicomweb")
    port, dicom_port = free_port(), free_port()
    settings = {
        "Name": AET,
        "DicomAet": AET,
        "HttpPort": port,
        "DicomPort": dicom_port,
        "RemoteAccessAllowed": False,
        "StorageDirectory": str(folder / "orthanc"),
        "IndexDirectory": str(folder / "orthanc"),
        "Plugins": [str(PLUGINS / "libOrthancDicomWeb.so")],
        "DicomAlwaysAllowStore": True,
        "AuthenticationEnabled": login,
        "RegisteredUsers": {LOGIN[0]: LOGIN[1]},
        **more,
    }
    folder.mkdir(parents=True, exist_ok=True)
    config, log = folder / "orthanc.json", folder / "orthanc.log"
    config.write_text(json.dumps(settings))
    with log.open("wb") as out:
        process = subprocess.Popen([binary, str(config)], stdout=out, stderr=out)
    try:
        auth = LOGIN if login else None
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", auth=auth, timeout=30, trust_env=False
        ) as http:
            _wait(http, process, log)
            yield Orthanc(http, port, dicom_port)
    finally:
        process.terminate()
        process.wait(30)


def _wait(http: httpx.Client, process: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        try:
            if http.get("/system").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
