"""The browser demo's grey curve and levels, in its own script, against the program's."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from fake_checkpoint import Scale, checkpoint

from echogan.core.grey_curve import canonical_curve
from echogan.enhance.put_back import Levels
from echogan.ui.browser_demo import assemble
from echogan.ui.browser_demo.assemble import model_facts

SCRIPT = Path(assemble.__file__).parent / "working_space.js"
ASK = """
const { GreyCurve } = await import(process.argv[1]);
const { counts, facts } = JSON.parse(process.argv[2]);
const curves = counts.map((one) => new GreyCurve(one, facts));
console.log(JSON.stringify(curves.map((one) => [one.power, one.lift, one.blackLevel, one.clear, one.hazy])));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.parametrize("dark_level", [0.0, 0.1])
def test_clips_shown_brighter_and_darker_get_the_same_curve_and_levels(dark_level):
    drawn = np.random.default_rng(5).beta(1.2, 4, 5000)
    shown = [np.rint(255 * drawn**power).astype(int) for power in (0.5, 1.0, 2.0, 3.0)]
    shown.append(np.zeros(100, int))  # a clip that is black
    facts = model_facts(checkpoint(Scale(0.5)))
    facts["canonical_grey"], facts["curve"]["dark_level"] = True, dark_level
    sent = json.dumps({"counts": [np.bincount(one, minlength=256).tolist() for one in shown], "facts": facts})
    asked = subprocess.run(
        ["node", "--input-type=module", "--eval", ASK, SCRIPT.as_uri(), sent], capture_output=True, text=True
    )
    assert asked.returncode == 0, asked.stderr
    levels = [np.percentile(one, np.arange(101)) for one in shown]
    curves = [canonical_curve(each, dark_level) for each in levels]
    plain = [Levels.of(canonical_curve(each)) for each in levels]
    expected = [[curve.power, curve.lift, *found] for curve, found in zip(curves, plain, strict=True)]
    assert np.allclose(json.loads(asked.stdout), expected, atol=1e-3)
    assert min(found.black for found in plain) < 5  # dark and ordinary clips are both among them
    assert max(found.black for found in plain) == 8
