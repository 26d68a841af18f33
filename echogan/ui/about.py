"""The About tab: the method in a few lines, its limits, the notice and the licences."""

from __future__ import annotations

import gradio as gr

from echogan.core.notice import HALLUCINATION, NO_DEVICE, NOTICE
from echogan.core.scale import WORKING_SIZE

ABOUT = f"""
<article class="eg-about">
<h2>{NOTICE}</h2>
<p>{NO_DEVICE} {HALLUCINATION}.</p>
<h2>Method</h2>
<p>EchoGANhance finds the imaged sector and scales it to a grey working image of {WORKING_SIZE} pixels on its longer
side. A generator, trained as a CycleGAN on unpaired clips of poor and good quality, proposes a change to every frame; the
strength says how much of it is applied. A second generator leads back to poor quality and gives the cycle error. Text,
ECG and everything outside the sector stay as they are; video downloads compress the whole picture, NPZ and PNG do
not. Frame rate, frame count and size are kept.</p>
<h2>What the maps show, and what they do not</h2>
<ul>
<li>The difference map shows where the picture was changed: enhanced minus original, in grey levels.</li>
<li>The cycle error shows what the second generator could not restore of the result at full strength.</li>
<li>Neither sees a hallucination reliably. A generator can erase a structure and still carry it, hidden, through the
cycle; an invented one changes the picture no more than a removed haze does. A map without colour is not a
verification: compare with the original.</li>
</ul>
<h2>Limits</h2>
<ul>
<li>Two-dimensional grey-scale echocardiography only; no Doppler, no M-mode.</li>
<li>echogan and echogan-unpaired were trained on simulated hearts alone, echogan-camus on stills of one vendor too. On
real clips each is a demonstration.</li>
<li>Measurements on an enhanced picture are not validated.</li>
</ul>
<h2>Your clips</h2>
<p>Files stay on the machine that runs this page, in folders with random names, and are removed after an hour or when
you leave. Nothing is sent anywhere else. Exports carry no patient tags; with the blackout on, which is so for DICOM,
nothing outside the sector is kept either. Text drawn over the tissue itself can remain: look before you share.</p>
<h2>Licences</h2>
<p>EchoGANhance is free software under the MIT licence. The weights of echogan-camus are not: they are
under CC BY-NC-SA 4.0, for research only. The libraries keep their licences; one deserves naming: the MP4 download is
written with the x264 encoder inside PyAV's binary packages, which is under the GNU GPL. The player's own clips
are VP9 in WebM. The example cine comes with pydicom (MIT).</p>
</article>
"""


def build_about_tab() -> None:
    """Lay out the tab; it has nothing to press."""
    gr.HTML(ABOUT, apply_default_css=False, js_on_load=None)
