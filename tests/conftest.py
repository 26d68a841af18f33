"""What all tests share: quiet libraries, no network, and the optional data beside the project."""

import os
from pathlib import Path

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

ROOT = Path(__file__).resolve().parents[1]
os.environ.setdefault(
    "ECHOGAN_CACHE", str(ROOT / ".pytest_cache" / "echogan")
)  # of networks exported to ONNX
SHARED_DATA = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real clips and stills that are not part of the project; tests that need them skip without."""
    if not SHARED_DATA.is_dir():
        pytest.skip("no ../shared/data beside the project: real clips and CAMUS stills are absent")
    return SHARED_DATA


@pytest.fixture(scope="session")
def cine() -> Path:
    """The real echo cine that pydicom carries: 30 frames, 320 x 240, JPEG baseline, YBR_FULL_422."""
    from pydicom import examples

    return Path(str(examples.get_path("ybr_color")))
