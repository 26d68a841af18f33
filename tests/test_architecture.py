"""The floors of the house: who may import whom, where a library may be used, and what is never used."""

import ast
import sys
from collections.abc import Callable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from echogan import _HOME as PUBLIC_NAMES

ROOT = Path(__file__).resolve().parents[1]

FLOORS = {
    **dict.fromkeys(("echogan", "errors", "metrics", "geometry", "grey_curve"), 1),
    **dict.fromkeys(("clips", "phantom", "model"), 2),
    **dict.fromkeys(("working_space", "frame_window", "enhancer", "training"), 3),
    "trust": 4,
    **dict.fromkeys(("pipeline", "report", "figures", "archive", "jobs", "study"), 5),
    **dict.fromkeys(("first_look", "first_look_advice", "training_folders", "console"), 5),
    **dict.fromkeys(("phantom_pairs", "phantom_sheet", "phantom_files"), 5),
    **dict.fromkeys(("ui", "commands", "training_commands", "__main__", "eval"), 6),
    "app": 7,
}
STRANGERS = {"clips", "phantom", "model"}  # one floor, but no imports among them

# Library -> where it may be imported: a file, or a folder ending in a slash.
PLACES = {
    "gradio": ("echogan/ui/", "app.py"),
    "sqlite3": ("echogan/study/store.py",),
    "pydicom": ("echogan/clips/",),
}
# These rooms train on a bare GPU box, so they get by with little.
BARE_ROOMS = {"phantom", "model", "training"}
BARE_LIBRARIES = {"torch", "numpy", "safetensors", "accelerate"}
BARE_EXTRA = {f"echogan/model/{name}.py": {"huggingface_hub"} for name in ("hub", "hub_errors")}
BARE_NEIGHBOURS = {"echogan", "errors", "geometry", "grey_curve", "phantom", "model", "training"}
PICKLES = {"pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


def source_files(root: Path) -> Iterator[Path]:
    """The program's modules, without its tests."""
    yield from sorted([*root.glob("app.py"), *root.glob("echogan/**/*.py"), *root.glob("eval/**/*.py")])


def room_of(module: str) -> str | None:
    """The room of a dotted module name: clips for echogan.clips.dicom; None where it is not ours."""
    first, _, rest = module.partition(".")
    if first in ("app", "eval"):
        return first
    return (rest.split(".")[0] or "echogan") if first == "echogan" else None


def dotted(root: Path, path: Path) -> str:
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def imported_names(tree: ast.AST, module: str, is_package: bool) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of every import, at any depth, relative and by a literal `import_module` too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = module.split(".") if is_package else module.split(".")[:-1]
                parents = parents[: len(parents) - node.level + 1]
                base = ".".join([*parents, base]).rstrip(".")
            for alias in node.names:
                yield node.lineno, (base if base != "echogan" else from_the_package(alias.name))
        elif isinstance(node, ast.Call) and name_of(node.func).endswith(("import_module", "__import__")):
            literals = [argument for argument in node.args[:1] if isinstance(argument, ast.Constant)]
            yield from ((node.lineno, str(literal.value)) for literal in literals)


def from_the_package(name: str) -> str:
    """Where `from echogan import name` leads: a public name's home, a room, or the package itself."""
    return PUBLIC_NAMES.get(name, f"echogan.{name}" if name in FLOORS else "echogan")


def name_of(expression: ast.expr) -> str:
    return ast.unparse(expression) if isinstance(expression, ast.Name | ast.Attribute) else ""


def is_within(place: str, allowed: str) -> bool:
    return place == allowed or (allowed.endswith("/") and place.startswith(allowed))


def import_fault(place: str, room: str, name: str) -> str | None:
    """Why the module at `place`, of `room`, must not import `name`; None where it may."""
    target, library = room_of(name), name.split(".")[0]
    if target is not None:
        if target not in FLOORS:
            return f"imports {name}, a room without a floor"
        if FLOORS[target] > FLOORS[room]:
            return f"floor {FLOORS[room]} imports {name} from floor {FLOORS[target]}"
        if target != room and {target, room} <= STRANGERS:
            return f"{room} imports {name}: no imports among {', '.join(sorted(STRANGERS))}"
        if room in BARE_ROOMS and target not in BARE_NEIGHBOURS:
            return f"{room} imports {name}, which a bare GPU box cannot load"
        return None
    if library in PICKLES:
        return f"imports {library}: no pickle"
    if library in PLACES and not any(is_within(place, allowed) for allowed in PLACES[library]):
        return f"imports {library}, which belongs to {' and '.join(PLACES[library])}"
    bare = sys.stdlib_module_names | BARE_LIBRARIES | BARE_EXTRA.get(place, set())
    if room in BARE_ROOMS and library not in bare:
        return f"{room} imports {library}, which a bare GPU box does not have"
    return None


def call_faults(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, fault) of calls that read or write pickles."""
    torch_names = {"torch"} | {
        alias.asname
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name == "torch" and alias.asname
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "torch":
            for alias in node.names:
                if alias.name in ("load", "save"):
                    yield node.lineno, f"imports torch.{alias.name} by name; write it out"
        if not isinstance(node, ast.Call):
            continue
        keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
        owner, _, function = name_of(node.func).rpartition(".")
        if owner in torch_names and function == "load" and keywords.get("weights_only") != "True":
            yield node.lineno, "torch.load without weights_only=True"
        if owner in torch_names and function == "save":
            yield node.lineno, "torch.save writes a pickle; use safetensors"
        if keywords.get("allow_pickle", "False") != "False":
            yield node.lineno, "allow_pickle lets a pickle in"


def rooms_in_a_circle(imports: dict[str, set[str]]) -> list[str]:
    """Rooms of one floor that lean on each other; between floors the floors forbid it."""
    beside = {
        room: {target for target in targets if FLOORS.get(target) == FLOORS[room]}
        for room, targets in imports.items()
    }
    try:
        TopologicalSorter(beside).prepare()
    except CycleError as error:
        return [f"in a circle: {' <- '.join(error.args[1])}"]
    return []


def violations(root: Path) -> list[str]:
    """Every breach in the tree under `root`, as `path:line: what`."""
    found: list[str] = []
    imports: dict[str, set[str]] = {}
    for path in source_files(root):
        place, module = path.relative_to(root).as_posix(), dotted(root, path)
        room = room_of(module)
        if room not in FLOORS:
            found.append(f"{place}:1: a room without a floor; give {room} one in FLOORS")
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"), place)
        for line, name in imported_names(tree, module, path.name == "__init__.py"):
            fault = import_fault(place, room, name)
            if fault:
                found.append(f"{place}:{line}: {fault}")
            imports.setdefault(room, set()).update({room_of(name) or room} - {room, "echogan"})
        found += [f"{place}:{line}: {fault}" for line, fault in call_faults(tree)]
    return found + rooms_in_a_circle(imports)


def without_a_first_line(paths: list[Path]) -> list[Path]:
    """The files whose first line is not a docstring that says their job."""

    def says_its_job(path: Path) -> bool:
        body = ast.parse(path.read_text(encoding="utf-8")).body
        text = ast.get_docstring(ast.Module(body, []), clean=False)
        return bool(text and text.splitlines()[0].strip() and body[0].lineno == 1)

    return [path for path in paths if not says_its_job(path)]


def test_the_house_keeps_its_floors():
    assert list(source_files(ROOT)), "no source files were found"
    assert violations(ROOT) == []


def test_every_file_says_its_job():
    assert without_a_first_line([*source_files(ROOT), *sorted(ROOT.glob("tests/**/*.py"))]) == []


@pytest.fixture
def house(tmp_path: Path) -> Callable[[str, str], list[str]]:
    """Build a small sound house, add one module to it, and return what is found wrong."""

    def build(place: str, code: str) -> list[str]:
        for name, text in {**SOUND_HOUSE, place: f'"""Its job."""\n{code}\n'}.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
        return violations(tmp_path)

    return build


SOUND_HOUSE = {
    "app.py": "import gradio\nfrom echogan import enhance_file\nfrom echogan.ui import theme\n",
    "eval/speed.py": "import scipy\nimport echogan.pipeline\n",
    "echogan/__init__.py": "from importlib import import_module\n",
    "echogan/errors.py": "",
    "echogan/geometry.py": "import cv2\nfrom .errors import SectorError\n",
    "echogan/archive.py": "from echogan import pipeline\n",
    "echogan/clips/clip.py": "def read():\n    import pydicom\n",
    "echogan/clips/files.py": "from . import clip\nfrom ..errors import ClipError\n",
    "echogan/model/hub.py": "import huggingface_hub\nimport torch\ntorch.load('a.pth', weights_only=True)\n",
    "echogan/phantom/render.py": "import math\nimport torch.nn.functional as F\n",
    "echogan/pipeline.py": "from .clips.files import open_clip\nfrom .enhancer import Enhancer\n",
    "echogan/enhancer.py": "from echogan import open_clip\nfrom echogan.model import hub\n",
    "echogan/study/store.py": "import sqlite3\n",
    "echogan/training/data.py": "import accelerate\nfrom echogan.phantom.render import phantom_clip\n",
    "echogan/ui/theme.py": "import gradio as gr\nfrom echogan.archive import run\n",
}


def test_a_sound_house_passes(house):
    assert house("echogan/metrics.py", "import numpy\nnumpy.load('a.npz', allow_pickle=False)") == []


@pytest.mark.parametrize(
    ("place", "code", "fault"),
    [
        ("echogan/clips/a.py", "from echogan.enhancer import Enhancer", "floor 2 imports echogan.enhancer"),
        (
            "echogan/clips/a.py",
            "def late():\n    import echogan.pipeline",
            "floor 2 imports echogan.pipeline",
        ),
        ("echogan/clips/a.py", "from ..ui import theme", "floor 2 imports echogan.ui"),
        ("echogan/clips/a.py", "from .. import pipeline", "floor 2 imports echogan.pipeline"),
        ("echogan/clips/__init__.py", "from ..trust import card", "floor 2 imports echogan.trust"),
        ("echogan/trust/a.py", "from echogan import enhance_file", "floor 4 imports echogan.pipeline"),
        ("echogan/trust/a.py", "import importlib\nimportlib.import_module('app')", "floor 4 imports app"),
        ("echogan/errors.py", "import echogan.clips.clip", "floor 1 imports echogan.clips"),
        ("echogan/__init__.py", "import echogan.clips.clip", "floor 1 imports echogan.clips"),
        ("echogan/ui/a.py", "import app", "floor 6 imports app"),
        ("echogan/pipeline.py", "import eval.speed", "floor 5 imports eval.speed"),
        ("echogan/pipeline.py", "import echogan.archive", "archive <- pipeline"),
        ("echogan/model/a.py", "from echogan.phantom import render", "no imports among"),
        ("echogan/clips/a.py", "from echogan.model import hub", "no imports among"),
        ("echogan/training/a.py", "from echogan.clips import clip", "a bare GPU box cannot load"),
        ("echogan/training/a.py", "from echogan import metrics", "a bare GPU box cannot load"),
        ("echogan/phantom/a.py", "def late():\n    from scipy import ndimage", "does not have"),
        ("echogan/training/hub.py", "import huggingface_hub", "does not have"),
        ("echogan/pipeline.py", "import gradio as gr", "imports gradio"),
        ("echogan/__main__.py", "from gradio.themes import Base", "imports gradio"),
        ("echogan/study/design.py", "import sqlite3", "imports sqlite3"),
        ("eval/a.py", "from pydicom import dcmread", "imports pydicom"),
        ("echogan/jobs.py", "import pickle", "no pickle"),
        ("echogan/model/a.py", "import torch\ntorch.load('a.pth')", "without weights_only=True"),
        (
            "echogan/model/a.py",
            "import torch as t\nt.load('a', weights_only=False)",
            "without weights_only=True",
        ),
        ("echogan/model/a.py", "from torch import load", "write it out"),
        ("echogan/model/a.py", "import torch\ntorch.save({}, 'a')", "torch.save writes a pickle"),
        ("echogan/metrics.py", "import numpy\nnumpy.load('a', allow_pickle=True)", "allow_pickle"),
        ("echogan/attic/a.py", "", "a room without a floor"),
        ("echogan/jobs.py", "import echogan.attic", "a room without a floor"),
    ],
)
def test_a_breach_is_found(house, place: str, code: str, fault: str):
    found = house(place, code)
    assert len(found) == 1, found
    assert fault in found[0]
    assert place in found[0] or "in a circle" in found[0]


@pytest.mark.parametrize("text", ["", "import os\n", '"""\nlate"""\n', '# first\n"""Second."""\n'])
def test_a_missing_first_line_is_found(tmp_path: Path, text: str):
    (tmp_path / "a.py").write_text(text, encoding="utf-8")
    (tmp_path / "b.py").write_text('"""Its job.\n\nMore.\n"""\n', encoding="utf-8")
    assert without_a_first_line([tmp_path / "a.py", tmp_path / "b.py"]) == [tmp_path / "a.py"]
