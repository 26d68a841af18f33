"""The tables of speed and memory."""

from __future__ import annotations

from typing import Any

from eval.reporting.formats import markdown_table

RUNTIMES = {"torch": "torch", "onnx": "ONNX Runtime", "openvino": "OpenVINO"}


def speed(result: dict[str, Any]) -> str:
    """Frames per second of both generators and of the complete enhancement, and the cost of a training step."""
    places = {"CPU, torch": result["cpu"], "CUDA, torch": result["cuda"]}
    places |= {f"CPU, {RUNTIMES[name]}": found for name, found in result.get("backends", {}).items()}
    rows = []
    for place, found in sorted(places.items()):
        if isinstance(found, str):
            rows.append([place, found, found, ""])
            continue
        rows.append([place, _rate(found, "ours"), _rate(found, "reference"), f"{found['ratio']:.0f} x"])
    if step := result.get("training_step"):
        ours, theirs = (f"{step[key]:.2f} CPU-s" for key in ("ours_cpu_s", "reference_cpu_s"))
        title = f"one training step of both generators and discriminators, batch {step['batch']}"
        rows.append([title, ours, theirs, f"{step['ratio']:.0f} x"])
    table = markdown_table(["256 x 256, batch 1", "this generator", "ResNet-9, ngf 64", "ratio"], rows)
    complete = result["enhance_cpu"]
    if not isinstance(complete, dict):
        return table
    trust = result.get("trust_cpu")
    return table + (
        f"\n\nEnhancing a real cine ({complete['clip']}, {complete['frames']} frames of {complete['size'][0]} x "
        f"{complete['size'][1]}) from the file to MP4, report and arrays: {complete['frames_per_s']:.1f} frames/s, "
        f"with the network on one CPU thread ({result['processor']})."
        + _after_first(complete, result)
        + _page(result["page_cpu"])
        + (_trust(trust) if isinstance(trust, dict) else "")
    )


def _rate(found: dict[str, Any], whose: str) -> str:
    """Frames per second, and the CPU time of one where it was taken."""
    cpu = found.get(f"{whose}_cpu_ms")
    return f"{found[f'{whose}_fps']:.2f} frames/s" + ("" if cpu is None else f", {cpu:,.0f} CPU-ms a frame")


def _after_first(complete: dict[str, Any], result: dict[str, Any]) -> str:
    if "after_first_frames_per_s" not in complete:
        return ""
    load = ", ".join(f"{one:.1f}" for one in result["load_before"])
    return (
        f" That is with finding the sector; after the first batch it is {complete['after_first_frames_per_s']:.1f} "
        f"frames/s ({complete['cpu_ms']:.0f} CPU-ms a frame by {RUNTIMES[complete['backend']]}, "
        f"{result['enhance_torch']['cpu_ms']:.0f} by torch). Before the start the load of this machine of "
        f"{result['cores']} cores was {load} (over 1, 5 and 15 minutes). Where that is more than 0, other work took "
        "its share, and CPU time and ratios tell more than frames/s."
    )


def _trust(cost: dict[str, Any]) -> str:
    fast, full = cost["fast"], cost["full"]
    return (
        f" With torch the trust card adds {fast['added_ms']:.0f} CPU-ms to the {fast['rest_ms']:.0f} of a frame in "
        f"fast mode ({fast['share']:.0%}), and {full['added_ms']:,.0f} in full mode."
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
