"""Training on a bare GPU box: two steps with all that it must not need blocked from import."""

import json
import subprocess
import sys

BLOCKED = ("cv2", "av", "pydicom", "gradio", "scipy", "skimage", "torchvision", "tyro", "matplotlib", "PIL")

PROGRAM = f"""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {BLOCKED!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}} (blocked)", name=name)

sys.meta_path.insert(0, Absent())
from echogan.training.__main__ import main

sys.exit(main(sys.argv[1:]))
"""


def test_two_steps_without_the_rest_of_the_project(tmp_path):
    flags = (
        f"--folder {tmp_path} --name bare --steps 2 --size 64 --batch-size 1 --generator.channels 8 "
        "--generator.blocks 1 --discriminator.filters 4 --clips-per-round 1 --frames-per-clip 1 --steps-per-round 2 "
        "--held-out-clips 1 --workers 0 --device cpu --tick 1"
    )
    done = subprocess.run([sys.executable, "-c", PROGRAM, *flags.split()], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "bare" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2, 2]
    assert (tmp_path / "bare" / "checkpoint_best" / "model.safetensors").exists()
