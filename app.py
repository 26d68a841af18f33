"""Compose the tabs and launch the page; nothing else."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from functools import partial
from pathlib import Path

from echogan.core.blas_threads import ONE_BLAS_THREAD
from echogan.core.errors import OutputError
from echogan.core.kept_folders import DATA, models_home
from echogan.ui.private_folder import private_folder
from echogan.ui.start_folder import TEMPORARY, UPLOADS, start_folder

os.environ.setdefault(*ONE_BLAS_THREAD)  # before numpy is loaded
# A temporary folder that no other app shares, nor another start of this one: what is left in it goes (Sessions.sweep).
try:
    OWN = start_folder(Path(os.environ.get("GRADIO_TEMP_DIR") or private_folder()))
except (OutputError, OSError) as error:
    print(f"The page cannot keep what visitors send: {error}", file=sys.stderr)
    sys.exit(2)
os.environ["GRADIO_TEMP_DIR"] = str(OWN / UPLOADS)
if os.environ.get(DATA):
    os.environ.setdefault("HF_HOME", models_home())
# Before Gradio is imported: it must not call home.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
# A visitor may name any model of the Hub, but not with the host's own token.
os.environ.setdefault("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")

import gradio as gr
import torch
from starlette.middleware import Middleware

from echogan.core.errors import EchoGANError
from echogan.core.notice import NOTICE
from echogan.jobs.runs import Runs
from echogan.model.checkpoints.checkpoint import bundled_checkpoints, read_checkpoint
from echogan.ui import access, theme, zero_gpu
from echogan.ui.about import build_about_tab
from echogan.ui.content_policy import InlineScripts
from echogan.ui.enhance.api import build_api
from echogan.ui.enhance.tab import build_enhance_tab
from echogan.ui.enhance.workplace import Workplace
from echogan.ui.free_memory import share_arenas
from echogan.ui.gate import gated
from echogan.ui.login import Login
from echogan.ui.models.tab import build_models_tab
from echogan.ui.server_log import leave_messages_out
from echogan.ui.session import KEEP_SECONDS, Sessions
from echogan.ui.study import tab as studies_tab
from echogan.ui.study.reading_routes import ReadingPages
from echogan.ui.study.studies import Studies
from echogan.ui.train import tab as train_tab

SWEEP_SECONDS = 600
SESSIONS = (
    200  # whose state Gradio keeps, a megabyte each; one that is dropped is made anew when its page asks
)
WAITING = 32  # visitors in the queue before the page says that it is full
STUDIES = Studies()  # of the tab, and of readers' links
TOP = f"""<header class="eg-top"><h1 class="eg-name">EchoGANhance</h1>
<p class="eg-notice" role="note">{NOTICE}</p></header>"""


def build(place: Workplace | None = None) -> gr.Blocks:
    """The page, ready to launch with `launch_settings()`."""
    place = place or Workplace()
    place.sessions.sweep()

    def leave(request: gr.Request) -> None:
        session = str(request.session_hash)
        place.leave(session)
        # Gradio would keep more than a megabyte for each page that was ever opened.
        page.state_holder.session_data.pop(session, None)

    with gr.Blocks(
        title="EchoGANhance",
        analytics_enabled=False,
        fill_width=True,
        delete_cache=(SWEEP_SECONDS, KEEP_SECONDS),
    ) as page:
        gr.HTML(TOP, apply_default_css=False, js_on_load=None, elem_id="eg-top")
        with gr.Tabs(elem_id="eg-tabs") as tabs:
            with gr.Tab("Enhance", id="enhance"):
                model = build_enhance_tab(place)
            with gr.Tab("Train", id="train"):
                train_tab.build_train_tab(page, tabs, model, place.sessions, place.models, Runs())
            with gr.Tab("Studies", id="studies"):
                studies_tab.build_studies_tab(STUDIES)
            with gr.Tab("Models", id="models") as models:
                build_models_tab(models, place.models)
            with gr.Tab("About", id="about"):
                build_about_tab()
        build_api(place)
        page.unload(leave)
    return page.queue(max_size=WAITING, default_concurrency_limit=2, api_open=False)


def launch_settings() -> dict:
    """What `launch` needs: nothing leaves the machine, nothing is remembered, nothing shows a traceback.

    Raises SettingsError where the environment does not say clearly who may use the server.
    """
    access.named_hosts()  # the gate asks again, when an error would end in a traceback
    access.offered_models()
    login = access.login()
    return {
        "server_name": access.server_name(),
        "auth": login.lets_in if isinstance(login, Login) else login,
        "app_kwargs": {
            "lifespan": partial(gated, inner=partial(ReadingPages, studies=STUDIES)),
            "middleware": [Middleware(InlineScripts, space=access.is_space())],
        },
        "mcp_server": False,
        "num_workers": 0,  # else Gradio serves files at further ports, without the gate
        "theme": theme.theme(),
        "css": theme.css() + train_tab.css() + studies_tab.css(),
        "head": theme.HEAD,
        "share": False,
        "ssr_mode": False,
        "run_history": False,
        "enable_monitoring": False,
        "footer_links": [],
        "max_file_size": "500mb",
        "show_error": False,
        "_frontend": False,  # else the start fails where a busy machine needs 3 s for the first page
        "quiet": True,
        "state_session_capacity": SESSIONS,
    }


def ask_itself_directly() -> None:
    """Gradio asks its own page at the start, which a proxy that the environment names could not reach."""
    for name in ("no_proxy", "NO_PROXY"):
        own = (os.environ.get(name), access.LOOPBACK, "localhost", access.server_name())
        os.environ[name] = ",".join(filter(None, own))


def main() -> None:
    """Serve the page; GRADIO_SERVER_NAME and GRADIO_SERVER_PORT say where."""
    leave_messages_out()
    ask_itself_directly()
    share_arenas()
    # The two generators run side by side, with half of the cores each; threads that wait for a core spin.
    torch.set_num_threads(max(1, torch.get_num_threads() // 2))
    # What Gradio and the libraries write for a moment may be a patient's, too.
    tempfile.tempdir = str(OWN / TEMPORARY)
    try:
        place = Workplace(Sessions(temporary=OWN / TEMPORARY))
        place.visits.keep_sweeping()
        page, settings = build(place), launch_settings()
        zero_gpu.move_weights(read_checkpoint(folder, source=folder.name) for folder in bundled_checkpoints())
    except EchoGANError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    _, url, _ = page.launch(prevent_thread_lock=True, **settings)
    print(f"EchoGANhance is at {url}  (Ctrl+C ends it)", flush=True)
    # What ends a service ends the page as Ctrl+C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        page.block_thread()
    finally:
        place.close()
        STUDIES.close()
        shutil.rmtree(OWN, ignore_errors=True)


if __name__ == "__main__":
    main()
