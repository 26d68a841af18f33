"""EchoGANhance: enhance poor echocardiography clips, and see what was changed."""

from importlib import import_module

from echogan.core.version import __version__

_HOME = {
    "open_clip": "echogan.clips.files",
    "write_clip": "echogan.clips.files",
    "Clip": "echogan.clips.clip",
    "ClipFile": "echogan.clips.clip",
    "find_sector": "echogan.clips.sector.find_sector",
    "Sector": "echogan.core.geometry",
    "load_checkpoint": "echogan.model.checkpoints.hub",
    "Enhancer": "echogan.enhance.enhancer",
    "enhance_file": "echogan.enhance.enhance_file",
    "EchoGANError": "echogan.core.errors",
}
__all__ = [*sorted(_HOME), "__version__"]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str):
    # Imported on first use, so that `import echogan` stays quick and needs no torch.
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'echogan' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
