"""The tables of speed and memory."""

from __future__ import annotations

from typing import Any

from eval.reporting.formats import markdown_table


def speed(result: dict[str, Any]) -> str:
    """Frames per second of both generators and of the complete enhancement, and the cost of a training step."""
    rows = []
    for device in ("cpu", "cuda"):
        found = result[device]
        if isinstance(found, str):
            rows.append([device.upper(), found, found, ""])
            continue
        ours, theirs, ratio = (found[key] for key in ("ours_fps", "reference_fps", "ratio"))
        rows.append([device.upper(), f"{ours:.1f} frames/s", f"{theirs:.2f} frames/s", f"{ratio:.0f} x"])
    if step := result.get("training_step"):
        ours, theirs = (f"{step[key]:.2f} CPU-s" for key in ("ours_cpu_s", "reference_cpu_s"))
        title = f"one training step of both generators and discriminators, batch {step['batch']}"
        rows.append([title, ours, theirs, f"{step['ratio']:.0f} x"])
    table = markdown_table(["256 x 256, batch 1", "this generator", "ResNet-9, ngf 64", "ratio"], rows)
    complete = result["enhance_cpu"]
    if not isinstance(complete, dict):
        return table
    return table + (
        f"\n\nEnhancing a real cine ({complete['clip']}, {complete['frames']} frames of {complete['size'][0]} x "
        f"{complete['size'][1]}) from the file to MP4, report and arrays: {complete['frames_per_s']:.1f} frames/s, "
        f"with the network on one CPU thread ({result['processor']})." + _page(result["page_cpu"])
    )


def _page(wait: dict[str, Any] | str) -> str:
    if isinstance(wait, str):
        return ""
    return (
        f" On the page the first enhanced frames of that cine are there {wait['first_s']:.1f} s after Enhance is "
        f"pressed, all of them after {wait['all_s']:.1f} s ({wait['all_cpu_s']:.1f} CPU-s); the files are made when "
        f"they are asked for, in {wait['files_s']:.1f} s together."
    )


def phantom_speed(result: dict[str, Any]) -> str:
    """Pairs of simulated frames per core-second."""
    ours, cuda = result["pairs_per_core_second"], result["cuda_stream"]
    gpu = f"{cuda['frames_per_s']:,.0f} frames per second" if isinstance(cuda, dict) else cuda
    return (
        f"Pairs of a clean and a degraded frame per core-second, in {result['frames_per_clip']}-frame clips of 256 x "
        f"256 with the time to build each heart: {ours['median']:.0f} (10-90 % of {result['clips']} clips: "
        f"{ours['low']:.0f} to {ours['high']:.0f}; {result['processor']}). On a GPU: {gpu}. "
        f"Phantom {result['phantom']}."
    )


def memory(result: dict[str, Any]) -> str:
    """Peak memory of a long clip against a short one, for the worst kind of output."""
    short, long = result["frames"]
    return (
        f"Peak memory of a {long:,}-frame clip is at most {result['worst_ratio']:.2f} times that of a "
        f"{short}-frame clip, over {len(result['outputs'])} kinds of output."
    )
