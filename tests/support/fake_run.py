"""Stands in for the training process: writes a run folder as it does, quickly, and ends as it is told to."""

import json
import os
import signal
import sys
import time
from pathlib import Path

folder, manner, steps = Path(sys.argv[1]), sys.argv[2], 400
if manner == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
(folder / "stop").unlink(missing_ok=True)
if manner == "refused":
    print("steps is 0; give a number from 1 to 10000000.", file=sys.stderr)
    sys.exit(2)
if manner == "reports":  # and is killed before its first step
    print("low:\n  8 of 8 files kept, of 8 patients.\nnote: Simulated hearts choose.", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
if manner in ("checks", "checks slowly"):
    if manner == "checks slowly":
        time.sleep(60)
    (folder / "check.json").write_text(json.dumps({"separability": 0.8}))
    sys.exit(0)
if not (folder / "config.json").exists():
    (folder / "config.json").write_text(
        json.dumps({"name": folder.name, "steps": steps, "loss": {"cycle": 3.0}})
    )
metrics = folder / "metrics.jsonl"
done = len(metrics.read_text().splitlines()) if metrics.exists() else 0
for step in range(done + 1, steps + 1):
    with metrics.open("a") as file:
        file.write(json.dumps({"step": step, "seconds_per_step": 0.5, "generators": 1.0}) + "\n")
    print(f"step {step}/{steps}  generators 1.000", flush=True)
    if manner == "finishes":
        steps_left = steps - step
        if steps_left and step > 20:
            continue
    if manner == "killed" and step == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    if manner == "crashes" and step == 3:
        raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
    if manner == "breaks" and step == 3:
        raise KeyError("nobody expects this")
    if manner != "deaf" and (folder / "stop").exists():
        print(f"Stopped by the file stop after step {step}; --resume goes on.")
        break
    time.sleep(0.02)
if manner == "finishes":
    told = {"state": "finished", "step": steps, "steps": steps, "pid": os.getpid(), "message": ""}
    (folder / "status.json").write_text(json.dumps(told))
