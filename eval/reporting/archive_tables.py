"""The tables of archives: what is left of a run that is killed, and what many frames cost."""

from __future__ import annotations

from typing import Any

from eval.reporting.formats import markdown_table

MANY = 15_000_000  # frames
PROCESSORS = (2, 16, 64, 256)


def archive(result: dict[str, Any]) -> str:
    """An archive that was killed twice, and its memory."""
    checks, whole, curve = result["checks"], result["whole"], result["memory"]["curve"]
    first, second = result["killed"]["done_at_each_kill"]
    rows = [
        ["clips, each with its outputs", f"{result['clips']}" if checks["complete"] else "some are missing"],
        ["killed after", f"{first} and {second} clips"],
        ["done again though they were done", f"{result['killed']['done_again']} clips"],
        [
            "files equal to those of the uninterrupted run",
            f"all {whole['files']}" if checks["equal"] else "not all",
        ],
        ["memory of a worker, highest", f"{max(one['worker_mib'] for one in curve):,.0f} MiB"],
        ["memory of all processes, highest", f"{max(one['mib'] for one in curve):,.0f} MiB"],
        ["memory of a worker in the last quarter over the second", f"{result['memory']['growth']:.2f}"],
        [
            "uninterrupted run",
            f"{whole['seconds']:.0f} s, {whole['clips_per_hour']:,} clips an hour",
        ],
    ]
    notes = (
        f"Clips of {result['frames']} frames, {result['workers']} workers, {result['model']['name']} "
        f"`{result['model']['sha256'][:12]}`, {result['machine']['processor']}; load of the machine "
        f"{whole['load_before']} before the start and {whole['load_during']} meanwhile (median, the run included). "
        "Reports are compared without the seconds they tell."
    )
    return markdown_table(["", "measured"], rows) + "\n\n" + notes


def archive_rate(result: dict[str, Any]) -> str:
    """What a frame costs, and MANY of them."""
    cost = result["cost"]
    per_frame, size = cost["cpu_s_per_frame"], cost["output_bytes_per_frame"]
    hours = MANY * per_frame / 3600
    rows = [
        ["processor time", f"{per_frame:.2f} s", f"{hours:,.0f} processor-hours"],
        ["disk for clips, reports, thumbnails", f"{size / 1e3:.1f} kB", f"{MANY * size / 1e9:,.0f} GB"],
        ["memory of a worker, highest", f"{cost['worker_mib']:,} MiB", "the same"],
        *([f"time on {count} processors", "", duration(hours / count)] for count in PROCESSORS),
    ]
    notes = (
        f"Measured on {result['frames']} frames of {result['size'][0]} x {result['size'][1]} in clips of "
        f"{result['frames_per_clip']}, to MP4 with report and thumbnail: {result['workers']} workers of "
        f"{result['threads_per_worker']} thread, {result['model']['name']} `{result['model']['sha256'][:12]}`, "
        f"{result['machine']['processor']}, without the start of the workers. It made "
        f"{result['frames_per_s']:.1f} frames/s at a load of {result['load_during']} (median). "
        "Times on more processors are computed from the processor time, not measured: processors of this kind, "
        "unshared, and a folder that is not slower than they are."
    )
    return markdown_table(["", "a frame", f"{MANY // 1_000_000} million frames"], rows) + "\n\n" + notes


def duration(hours: float) -> str:
    """Hours, or days from two days on."""
    return f"{hours:,.0f} hours" if hours < 48 else f"{hours / 24:,.0f} days"
