"""The About tab: the method in a few lines, its limits, the notice and the licences."""

from __future__ import annotations

import gradio as gr

from echogan.core.notice import HALLUCINATION, NO_DEVICE, NOTICE
from echogan.core.scale import WORKING_SIZE
from echogan.trust.map_styles import CAVEAT, MAP_STYLES

MAPS = "\n".join(
    f"<li><b>{style.label}.</b> {style.shows} {style.misses}</li>" for style in MAP_STYLES.values()
)
ABOUT = f"""
<article class="eg-about">
<h2>{NOTICE}</h2>
<p>{NO_DEVICE} {HALLUCINATION}.</p>
<h2>Method</h2>
<p>EchoGANhance finds the imaged sector and scales it to a grey working image of {WORKING_SIZE} pixels on its longer
side. A generator, trained as a CycleGAN on unpaired clips of poor and good quality, changes every frame; the strength
says how much of the change is applied. A second generator leads back to poor quality and gives the cycle error. Text,
ECG and everything outside the sector stay as they are. Frame rate, frame count and size are kept. Video downloads are
compressed; NPZ and PNG are lossless.</p>
<h2>What the maps show, and what they miss</h2>
<ul>
{MAPS}
</ul>
<p>{CAVEAT} A map without colour is not a verification.</p>
<h2>Limits</h2>
<ul>
<li>Two-dimensional grey-scale echocardiography only; no Doppler, no M-mode.</li>
<li>echogan and echogan-unpaired were trained on simulated hearts alone, echogan-camus also on stills of one vendor. On
real clips each is a demonstration.</li>
<li>Measurements on an enhanced image are not validated.</li>
</ul>
<h2>Your clips</h2>
<p>Files stay on the machine that runs this page, in folders with random names. They are removed an hour after you last
used the page, two minutes after you leave it, or when you remove a clip from the list. Nothing is sent anywhere else.
Exports carry no patient tags. With blackout on, as it is for DICOM, nothing outside the sector is kept either. Text
drawn over the tissue itself can remain: check each clip before you share it.</p>
<h2>Licences</h2>
<p>EchoGANhance is free software under the MIT licence. The weights of echogan-camus are not: they are under
CC BY-NC-SA 4.0, for research only. The libraries keep their own licences. The MP4 download is written with the x264
encoder inside PyAV's binary packages, which is under the GNU GPL. The player shows lossless PNG images. The example
cine comes with pydicom (MIT).</p>
</article>
"""


def build_about_tab() -> None:
    """Lay out the tab; it has nothing to press."""
    gr.HTML(ABOUT, apply_default_css=False, js_on_load=None)
