"""The floors: which package may import which, where a library may be used, what is never used, how long a file is."""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from echogan import _HOME as PUBLIC_NAMES

ROOT = Path(__file__).resolve().parents[1]

FLOORS = {
    "core": 1,
    **dict.fromkeys(("clips", "phantom", "model", "trust"), 2),
    **dict.fromkeys(("curation", "training", "enhance", "phantom_files"), 3),
    **dict.fromkeys(("archive", "calibration", "jobs", "study", "eval"), 4),
    **dict.fromkeys(("cli", "ui"), 5),
    "app": 6,
}
"""Package -> floor. A package imports from lower floors, and from its own floor but on floor 2."""
APART = {"clips", "phantom", "model", "trust"}  # one floor, but no imports among them
FACES = {"echogan": "core", "__main__": "cli"}  # files above all packages, and the package they speak for
MOST_PACKAGES, MOST_ARROWS = 18, 75
LONGEST_FILE, LONGEST_FUNCTION = 250, 70  # lines

# Library -> where it may be imported: a file, or a folder ending in a slash.
PLACES = {
    "gradio": ("echogan/ui/", "app.py"),
    "sqlite3": ("echogan/study/store/",),
    "ray": ("echogan/archive/ray_workers.py",),
    "pydicom": ("echogan/clips/dicom/", "echogan/curation/"),
    "dicomweb_client": ("echogan/archive/pacs/",),
    "pynetdicom": ("echogan/archive/pacs/",),
    "mcp": ("echogan/cli/mcp_server.py",),
}
# These packages train on a bare GPU box, so they get by with little.
BARE = {"phantom", "model", "training"}
BARE_LIBRARIES = {"torch", "numpy", "safetensors", "accelerate", "filelock"}  # torch itself requires filelock
BARE_EXTRA = {
    f"echogan/model/checkpoints/{name}.py": {"huggingface_hub"}
    for name in ("hub", "hub_cache", "hub_errors", "publish")
}
BARE_NEIGHBOURS = {"echogan", "core", "phantom", "model", "training"}
CORE_LIBRARIES = {"numpy"}
PICKLES = {"pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


def source_files(root: Path) -> Iterator[Path]:
    """The program's modules, without its tests."""
    yield from sorted([*root.glob("app.py"), *root.glob("echogan/**/*.py"), *root.glob("eval/**/*.py")])


def package_of(module: str) -> str | None:
    """The package of a dotted module name: clips for echogan.clips.dicom; None where it is not ours."""
    first, _, rest = module.partition(".")
    if first in ("app", "eval"):
        return first
    if first != "echogan":
        return None
    name = rest.split(".")[0] or "echogan"
    return FACES.get(name, name)


def dotted(root: Path, path: Path) -> str:
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def imported_names(tree: ast.AST, module: str, is_package: bool) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of every import, at any depth and under TYPE_CHECKING, relative ones too.

    `import_module` counts by its literal. A name after `from x import` is appended: it may be a module.
    """
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
                yield node.lineno, public_home(alias.name) if base == "echogan" else f"{base}.{alias.name}"
        elif isinstance(node, ast.Call) and name_of(node.func).endswith(("import_module", "__import__")):
            literals = [argument for argument in node.args[:1] if isinstance(argument, ast.Constant)]
            yield from ((node.lineno, str(literal.value)) for literal in literals)


def public_home(name: str) -> str:
    """Where `from echogan import name` leads: a public name's home, a package, or the face itself."""
    return PUBLIC_NAMES.get(name, f"echogan.{name}" if name in FLOORS else "echogan")


def name_of(expression: ast.expr) -> str:
    return ast.unparse(expression) if isinstance(expression, ast.Name | ast.Attribute) else ""


def is_within(place: str, allowed: str) -> bool:
    return place == allowed or (allowed.endswith("/") and place.startswith(allowed))


def import_fault(place: str, package: str, name: str) -> str | None:
    """Why the module at `place`, of `package`, must not import `name`; None where it may."""
    target = package_of(name)
    return library_fault(place, package, name) if target is None else floor_fault(package, target, name)


def floor_fault(package: str, target: str, name: str) -> str | None:
    """Why `package` must not import `name` of the package `target`; None where it may."""
    if target not in FLOORS:
        return f"imports {name}, a package without a floor"
    if FLOORS[target] > FLOORS[package]:
        return f"floor {FLOORS[package]} imports {name} from floor {FLOORS[target]}"
    if target != package and {target, package} <= APART:
        return f"{package} imports {name}: no imports among {', '.join(sorted(APART))}"
    if package in BARE and target not in BARE_NEIGHBOURS:
        return f"{package} imports {name}, which a bare GPU box cannot load"
    return None


def library_fault(place: str, package: str, name: str) -> str | None:
    """Why a module must not import a library; None where it may."""
    library = name.split(".")[0]
    if library in PICKLES:
        return f"imports {library}: no pickle"
    if library in PLACES and not any(is_within(place, allowed) for allowed in PLACES[library]):
        return f"imports {library}, which belongs to {' and '.join(PLACES[library])}"
    if package in BARE and library not in sys.stdlib_module_names | BARE_LIBRARIES | BARE_EXTRA.get(
        place, set()
    ):
        return f"{package} imports {library}, which a bare GPU box does not have"
    if package == "core" and library not in sys.stdlib_module_names | CORE_LIBRARIES:
        return f"core imports {library}: it keeps to the standard library and numpy"
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


def circle(imports: dict[str, set[str]]) -> list[str]:
    """The first circle of names that import each other, as a sentence; none where there is no circle."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return [f"in a circle: {' <- '.join(error.args[1])}"]
    return []


class Plan:
    """The tree under `root`: its breaches as `path:line: what`, and who imports whom, by package and by module."""

    def __init__(self, root: Path) -> None:
        self.faults: list[str] = []
        self.packages: dict[str, set[str]] = {}
        self.modules: dict[str, set[str]] = {}
        self.names = {dotted(root, path) for path in source_files(root)}
        for path in source_files(root):
            self._add(root, path)
        self.faults += circle(self.packages) + circle(self.modules)

    def _add(self, root: Path, path: Path) -> None:
        place, module = path.relative_to(root).as_posix(), dotted(root, path)
        package = package_of(module)
        if package not in FLOORS:
            self.faults.append(f"{place}:1: a package without a floor; give {package} one in FLOORS")
            return
        tree = ast.parse(path.read_text(encoding="utf-8"), place)
        packages, modules = self.packages.setdefault(package, set()), self.modules.setdefault(module, set())
        for line, name in imported_names(tree, module, path.name == "__init__.py"):
            if fault := import_fault(place, package, name):
                self.faults.append(f"{place}:{line}: {fault}")
            elif package_of(name):
                packages.add(package_of(name) or "")
                modules.add(name if name in self.names else name.rpartition(".")[0])
        packages.discard(package)
        modules.discard(module)
        self.faults += [f"{place}:{line}: {fault}" for line, fault in call_faults(tree)]

    @property
    def arrows(self) -> int:
        """How many packages import how many others."""
        return sum(map(len, self.packages.values()))


def violations(root: Path) -> list[str]:
    """Every breach in the tree under `root`."""
    return Plan(root).faults


def floors_in(page: str) -> dict[str, int]:
    """The floors that a page shows: lines like `2  clips phantom` in the block after its floors mark."""
    block = page.partition("<!-- floors -->")[2].partition("```")[2].partition("```")[0]
    found = re.findall(r"^(\d) +([\w. ]+?)(?:  .*)?$", block, flags=re.M)
    return {name.removesuffix(".py"): int(floor) for floor, names in found for name in names.split()}


def too_long(path: Path) -> Iterator[str]:
    """What in a file is longer than it may be."""
    text = path.read_text(encoding="utf-8")
    lines = len(text.splitlines())
    if lines > LONGEST_FILE:
        yield f"{path.relative_to(ROOT)} has {lines} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            if length > LONGEST_FUNCTION:
                yield f"{path.relative_to(ROOT)}: {node.name} has {length} lines"


def without_a_first_line(paths: list[Path]) -> list[Path]:
    """The files whose first line is not a docstring that says their job."""

    def says_its_job(path: Path) -> bool:
        body = ast.parse(path.read_text(encoding="utf-8")).body
        text = ast.get_docstring(ast.Module(body, []), clean=False)
        return bool(text and text.splitlines()[0].strip() and body[0].lineno == 1)

    return [path for path in paths if not says_its_job(path)]


def test_the_house_keeps_its_floors(capsys):
    plan = Plan(ROOT)
    assert plan.names, "no source files were found"
    assert plan.faults == []
    floors = len(set(FLOORS.values()))
    with capsys.disabled():
        print(f"\n{len(plan.packages)} packages on {floors} floors, {plan.arrows} arrows, no circle")
    assert floors == 6
    assert len(plan.packages) <= MOST_PACKAGES
    assert plan.arrows <= MOST_ARROWS


@pytest.mark.parametrize("page", ["README.md", "docs/architecture.md"])
def test_the_pages_show_the_same_floors(page: str):
    assert floors_in((ROOT / page).read_text(encoding="utf-8")) == FLOORS


def test_files_and_functions_are_short():
    assert [fault for path in source_files(ROOT) for fault in too_long(path)] == []


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
    "eval/performance/speed.py": "import scipy\nimport echogan.enhance.enhance_file\n",
    "echogan/__init__.py": "from importlib import import_module\nfrom echogan.core.version import __version__\n",
    "echogan/core/errors.py": "",
    "echogan/core/version.py": "",
    "echogan/core/geometry.py": "import numpy\nfrom .errors import SectorError\n",
    "echogan/clips/dicom/reader.py": "def read():\n    import pydicom\n",
    "echogan/clips/files.py": "from .dicom import reader\nfrom ..core.errors import ClipError\n",
    "echogan/curation/patient.py": "import pydicom\n",
    "echogan/model/checkpoints/hub.py": (
        "import huggingface_hub\nimport torch\ntorch.load('a.pth', weights_only=True)\n"
    ),
    "echogan/phantom/render.py": "import math\nimport torch.nn.functional as F\n",
    "echogan/enhance/enhance_file.py": "from ..clips.files import open_clip\nfrom .enhancer import Enhancer\n",
    "echogan/enhance/enhancer.py": "from echogan import open_clip\nfrom echogan.model.checkpoints import hub\n",
    "echogan/training/loader.py": "import accelerate\nfrom echogan.phantom.render import phantom_clip\n",
    "echogan/jobs/runs.py": "from echogan import training\n",
    "echogan/ui/theme.py": "import gradio as gr\nfrom echogan.jobs.runs import run\n",
}


def test_a_sound_house_passes(house):
    assert house("echogan/core/scale.py", "import numpy\nnumpy.load('a.npz', allow_pickle=False)") == []


@pytest.mark.parametrize(
    ("place", "code", "fault"),
    [
        (
            "echogan/clips/a.py",
            "from echogan.enhance import enhancer",
            "floor 2 imports echogan.enhance.enhancer",
        ),
        (
            "echogan/clips/a.py",
            "def late():\n    import echogan.jobs.runs",
            "floor 2 imports echogan.jobs.runs",
        ),
        ("echogan/clips/a.py", "from ..ui import theme", "floor 2 imports echogan.ui"),
        ("echogan/clips/a.py", "from .. import jobs", "floor 2 imports echogan.jobs"),
        ("echogan/clips/__init__.py", "from ..trust import card", "no imports among"),
        ("echogan/trust/a.py", "from echogan import enhance_file", "floor 2 imports echogan.enhance"),
        ("echogan/trust/a.py", "import importlib\nimportlib.import_module('app')", "floor 2 imports app"),
        ("echogan/core/a.py", "import echogan.clips.files", "floor 1 imports echogan.clips"),
        ("echogan/core/a.py", "import torch", "standard library and numpy"),
        ("echogan/__init__.py", "import echogan.clips.files", "floor 1 imports echogan.clips"),
        ("echogan/ui/a.py", "import app", "floor 5 imports app"),
        ("echogan/enhance/a.py", "import eval.performance.speed", "floor 3 imports eval.performance.speed"),
        ("echogan/model/a.py", "from echogan.phantom import render", "no imports among"),
        ("echogan/clips/a.py", "from echogan.model.checkpoints import hub", "no imports among"),
        ("echogan/training/a.py", "from echogan.clips import files", "a bare GPU box cannot load"),
        ("echogan/phantom/a.py", "def late():\n    from scipy import ndimage", "does not have"),
        ("echogan/training/hub.py", "import huggingface_hub", "does not have"),
        ("echogan/enhance/a.py", "import gradio as gr", "imports gradio"),
        ("echogan/__main__.py", "from gradio.themes import Base", "imports gradio"),
        ("echogan/jobs/a.py", "import sqlite3", "imports sqlite3"),
        ("eval/a.py", "from pydicom import dcmread", "imports pydicom"),
        ("echogan/jobs/a.py", "import pickle", "no pickle"),
        ("echogan/model/a.py", "import torch\ntorch.load('a.pth')", "without weights_only=True"),
        (
            "echogan/model/a.py",
            "import torch as t\nt.load('a', weights_only=False)",
            "without weights_only=True",
        ),
        ("echogan/model/a.py", "from torch import load", "write it out"),
        ("echogan/model/a.py", "import torch\ntorch.save({}, 'a')", "torch.save writes a pickle"),
        ("echogan/core/a.py", "import numpy\nnumpy.load('a', allow_pickle=True)", "allow_pickle"),
        ("echogan/attic/a.py", "", "a package without a floor"),
        ("echogan/jobs/a.py", "import echogan.attic", "a package without a floor"),
    ],
)
def test_a_breach_is_found(house, place: str, code: str, fault: str):
    found = house(place, code)
    assert len(found) == 1, found
    assert fault in found[0]
    assert place in found[0] or "in a circle" in found[0]


@pytest.mark.parametrize(
    "code",
    [
        "import echogan.enhance.enhance_file",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from . import enhance_file",
    ],
)
def test_a_circle_of_modules_is_found(house, code: str):
    found = house("echogan/enhance/enhancer.py", code)
    assert found == ["in a circle: " + found[0].removeprefix("in a circle: ")]
    assert "echogan.enhance.enhancer" in found[0]
    assert "echogan.enhance.enhance_file" in found[0]


def test_a_circle_of_packages_is_found(house):
    found = house("echogan/jobs/a.py", "import eval.performance.speed")
    assert found == []
    found = house("eval/a.py", "import echogan.jobs.a")
    assert len(found) == 1
    assert "in a circle" in found[0]


@pytest.mark.parametrize("text", ["", "import os\n", '"""\nlate"""\n', '# first\n"""Second."""\n'])
def test_a_missing_first_line_is_found(tmp_path: Path, text: str):
    (tmp_path / "a.py").write_text(text, encoding="utf-8")
    (tmp_path / "b.py").write_text('"""Its job.\n\nMore.\n"""\n', encoding="utf-8")
    assert without_a_first_line([tmp_path / "a.py", tmp_path / "b.py"]) == [tmp_path / "a.py"]
