"""The launched app, a Chromium, and a page that may reach nothing but this machine."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import torch
from playwright.sync_api import Browser, Page, Route, WebSocket, expect, sync_playwright

from echogan.clips.files import open_clip
from echogan.model.checkpoints import checkpoint as store
from echogan.model.checkpoints.checkpoint import CheckpointConfig, bundled_checkpoints, save_checkpoint
from echogan.model.networks.generators import GeneratorConfig, build_generator
from tests.support.viewer_page import short_gif

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    # What `context.route` cannot see (DNS prefetch, WebSockets) finds no address.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]
expect.set_options(timeout=30_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


def is_loopback(host: str | None) -> bool:
    if host in (None, "", "localhost"):
        return True
    try:
        return ip_address(str(host).split("%")[0]).is_loopback
    except ValueError:
        return False


@pytest.fixture(scope="session")
def server_calls() -> Iterator[list[str]]:
    """Hosts beyond loopback that this process, and with it the app's server, looked up or connected to."""
    calls: list[str] = []
    watching = True

    def watch(event: str, arguments: tuple) -> None:
        if not watching or event not in ("socket.getaddrinfo", "socket.connect"):
            return
        host = arguments[0] if event == "socket.getaddrinfo" else arguments[1]
        host = host[0] if isinstance(host, tuple) else host
        host = host.decode() if isinstance(host, bytes) else host
        if event == "socket.connect" and isinstance(host, str) and host.startswith("/"):
            return  # a Unix socket
        if not is_loopback(host):
            calls.append(host)

    sys.addaudithook(watch)  # cannot be taken off again, hence the flag
    yield calls
    watching = False


@pytest.fixture(scope="session")
def app_url(tmp_path_factory: pytest.TempPathFactory, server_calls: list[str]) -> Iterator[str]:
    """The address of the app, launched in this process as a visitor would meet it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        from app import build, launch_settings

        demo = build()
        settings = launch_settings() | {
            "server_name": "127.0.0.1",
            "server_port": None,
            "prevent_thread_lock": True,
            "quiet": True,
            "show_error": True,
            "inbrowser": False,
            "share": False,
            "ssr_mode": False,
        }
        _, url, _ = demo.launch(**settings)
        yield url.rstrip("/")
        demo.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium: the system's, else Playwright's own. Without one CI fails, others skip."""
    path = os.environ.get("ECHOGAN_CHROMIUM") or shutil.which("chromium")
    with ExitStack() as stack:
        try:
            playwright = stack.enter_context(sync_playwright())
            chromium = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        except Exception as error:  # the driver raises a bare one when it cannot start
            reason = f"No Chromium could be started; scripts/test installs what it needs. {error}"
            if os.environ.get("CI"):
                pytest.fail(reason)
            pytest.skip(reason)
        yield chromium
        chromium.close()


@pytest.fixture
def outside(server_calls: list[str]) -> list[str]:
    """Every address beyond this machine that the page or the server asked for; must stay empty."""
    server_calls.clear()
    return []


@pytest.fixture
def page_errors() -> list[str]:
    """Uncaught JavaScript errors of the page; must stay empty. A test that provokes one clears it."""
    return []


@pytest.fixture
def page(
    app_url: str, browser: Browser, outside: list[str], page_errors: list[str], server_calls: list[str]
) -> Iterator[Page]:
    """A fresh visitor's page at 1440 x 900, already at the app; at its end nothing went outside or broke."""
    context = browser.new_context(
        viewport={"width": 1440, "height": 900}, service_workers="block", accept_downloads=True
    )

    def guard(route: Route) -> None:
        address = urlsplit(route.request.url)
        if address.scheme in ("blob", "data") or is_loopback(address.hostname):
            route.continue_()
        else:
            outside.append(route.request.url)
            route.abort()

    def guard_socket(socket: WebSocket) -> None:
        if not is_loopback(urlsplit(socket.url).hostname):
            outside.append(socket.url)

    context.route("**/*", guard)
    page = context.new_page()
    page.on("websocket", guard_socket)
    page.on("pageerror", lambda error: page_errors.append(str(error)))
    page.goto(app_url, wait_until="domcontentloaded")
    yield page
    context.close()
    outside.extend(server_calls)
    assert outside == [], "the page or the server called out"
    assert page_errors == [], "the page raised JavaScript errors"


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A small untrained model called `small`, beside whatever is bundled: quick, and there before training is done."""
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    config = CheckpointConfig(name="small", generator=GeneratorConfig(channels=4, blocks=1), working_size=64)
    save_checkpoint(
        folder / "small", config, build_generator(config.generator), build_generator(config.generator)
    )
    for path in bundled_checkpoints():
        (folder / path.name).symlink_to(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "BUNDLED", folder)
        yield "small"


@pytest.fixture(scope="session")
def strong_model(small_model: str) -> str:
    """A model like `small`, whose change of the picture is large; that of an untrained one is nothing."""
    torch.manual_seed(0)
    config = CheckpointConfig(name="strong", generator=GeneratorConfig(channels=4, blocks=1), working_size=64)
    generator = build_generator(config.generator)
    with torch.no_grad():
        for parameter in list(generator.parameters())[-2:]:  # the last layer, which is zero at first
            parameter.normal_(0, 0.3)
    save_checkpoint(store.BUNDLED / "strong", config, generator, generator)
    return "strong"


@pytest.fixture(scope="session")
def short_clip(cine: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cine's first eight frames at half size, as a GIF."""
    return short_gif(open_clip(cine), tmp_path_factory.mktemp("clips") / "short.gif")
