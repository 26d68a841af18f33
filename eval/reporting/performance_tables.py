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


def load(result: dict[str, Any]) -> str:
    """Many visitors of the page at once beside a greedy client, and clips one after the other."""
    rows, notes = [], []
    if many := result.get("visitors"):
        rows += [
            ["visitors, each served", f"{many['visitors_served']} of {many['visitors']}"],
            ["requests of visitors refused", f"{many['refused']}"],
            ["wait from Enhance to the last frame, median and longest", _seconds(many)],
            ["longest time without news of a clip's place", f"{many['longest_without_news_s']:.0f} s"],
            ["clips in the same time, of those of one visitor", f"{many['throughput_share']:.0%}"],
        ]
        notes.append(
            f"The visitors came at once and began new clips for {many['seconds']} s. Beside them one client posted "
            f"{many['greedy_accepted'] + many['greedy_refused']} jobs, of which {many['greedy_refused']} were refused."
        )
    for name, title in (("visitors", "visitors"), ("soak", "one after the other")):
        if part := result.get(name):
            rows += [
                [f"memory before and after, {title}", _pair(part, "memory", "_mb", " MB")],
                [f"descriptors before and after, {title}", _pair(part, "descriptors")],
                [f"files left, {title}", f"{part['files_left'] + part['files_after_end']}"],
            ]
    if alone := result.get("soak"):
        notes.append(
            f"{alone['clips']} clips were enhanced one after the other, {alone['refused']} of them refused."
        )
    facts = result["machine"]
    notes.append(
        f"Clips of {result['frames']} frames, the app and all visitors on one machine ({facts['processor']})."
    )
    return markdown_table(["", "measured"], rows) + "\n\n" + " ".join(notes)


def _seconds(many: dict[str, Any]) -> str:
    return f"{many['wait_median_s']:.0f} s, {many['wait_longest_s']:.0f} s"


def _pair(part: dict[str, Any], name: str, unit: str = "", shown: str = "") -> str:
    return f"{part[f'{name}_before{unit}']}, {part[f'{name}_after{unit}']}{shown}"
