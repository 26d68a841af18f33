"""What config.json of a checkpoint says, validated in full before anything is built from it."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any, get_origin, get_type_hints

from echogan.core.errors import InvalidCheckpoint, SettingsError
from echogan.core.scale import WORKING_SIZE
from echogan.core.settings import NAME, NAME_WANTED, choice, fits, number, shown, text, wanted
from echogan.model.networks.generators import SIZE_MULTIPLE, GeneratorConfig


def _younger(default: float, help: str, low: float, high: float) -> Any:
    """A number that checkpoints from before it lack."""
    return field(default=default, metadata={"help": help, "min": low, "max": high, "optional": True})


@dataclass(frozen=True)
class CheckpointConfig:
    """How to build the two generators, and what they are: config.json is this, as JSON."""

    name: str = field(metadata={"help": "of the checkpoint", "pattern": NAME, "wanted": NAME_WANTED})
    generator: GeneratorConfig = field(default_factory=GeneratorConfig)
    format: int = choice(1, "layout of the checkpoint", 1)
    working_size: int = number(
        WORKING_SIZE, "longer side of the working space, pixels", 64, 1024, SIZE_MULTIPLE
    )
    canonical_grey: bool = field(
        default=False,  # checkpoints from before this field saw clips as they are displayed
        metadata={"help": "whether the generators expect the canonical grey curve", "optional": True},
    )
    dark_level: float = _younger(
        0.0,
        "grey, of full scale, to which a clip's darkest tissue is lifted for the network; 0 for none",
        0.0,
        0.25,
    )
    gain: float = _younger(1.0, "multiple of to_high's change that full strength applies", 0.1, 3.0)
    haze_gain: float = _younger(
        0.0, "share of what is removed that is removed once more where the result is still hazy", 0.0, 1.0
    )
    caution: float = _younger(
        0.0,
        "share of that change that is withheld where it looks like a structure removed or invented",
        0.0,
        1.0,
    )
    keep_walls: float = _younger(
        0.0, "share of what is removed that is withheld where a hidden wall is certain; 0 for none", 0.0, 1.0
    )
    trained_on: dict[str, Any] = field(default_factory=dict, metadata={"help": "data it has seen"})
    training: dict[str, Any] = field(default_factory=dict, metadata={"help": "settings of the run"})
    license: str = text("MIT", "of the weights", r"[ -~]{1,200}", "text of 1 to 200 plain characters")

    @property
    def applied(self) -> dict[str, float]:
        """What decides, beside the weights and the working space, how much of a clip is changed."""
        return {
            "gain": self.gain,
            "haze_gain": self.haze_gain,
            "caution": self.caution,
            "dark_level": self.dark_level,
            "keep_walls": self.keep_walls,
        }


def parse_config(data: bytes, where: str) -> CheckpointConfig:
    """Validate a whole config.json of `where`. Raises InvalidCheckpoint naming the first wrong field."""
    try:
        raw = json.loads(data.decode("utf-8"), object_pairs_hook=_no_twins, parse_constant=_no_constant)
        json.dumps(raw, ensure_ascii=False).encode()  # half a surrogate pair would fail when shown
    except (ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0][:100]
        raise InvalidCheckpoint(
            f"config.json of {where} is not valid JSON ({reason}); correct it or save the checkpoint again."
        ) from None
    if isinstance(raw, dict) and type(raw.get("format")) is int and raw["format"] > 1:
        raise InvalidCheckpoint(
            f"{where} has checkpoint format {str(raw['format'])[:20]}, and this version reads only 1;"
            f" update EchoGANhance."
        )
    config = _checked(raw, CheckpointConfig, "", where)
    try:
        config.generator.check()  # what no field shows alone
    except SettingsError as error:
        raise InvalidCheckpoint(f"config.json of {where} cannot be built from: {error}") from None
    return config


def config_json(config: CheckpointConfig) -> bytes:
    """The bytes of config.json, with sorted keys: equal settings, equal file. Raises InvalidCheckpoint."""
    try:
        text = json.dumps(dataclasses.asdict(config), indent=2, sort_keys=True, allow_nan=False) + "\n"
    except (TypeError, ValueError) as error:
        raise InvalidCheckpoint(
            f"The settings of checkpoint '{config.name}' cannot be written as JSON ({error});"
            f" keep to plain numbers, text, lists and dictionaries."
        ) from None
    parse_config(data := text.encode(), f"'{config.name}'")
    return data


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(found := dict(pairs)) < len(pairs):
        raise ValueError("a key occurs twice in one object")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _checked(raw: Any, cls: type, prefix: str, where: str) -> Any:
    """Build the dataclass from a JSON object with exactly its fields, each of its type and in its range."""
    if not isinstance(raw, dict):
        raise _refusal(where, prefix.rstrip(".") or "the whole file", "a JSON object", raw)
    hints, values = get_type_hints(cls), {}
    known = {f.name: f for f in dataclasses.fields(cls)}
    for name in raw:
        if name not in known:
            raise InvalidCheckpoint(
                f"config.json of {where} has a field {(prefix + name)[:60]!r} that this version does not"
                f" know; remove it or update EchoGANhance."
            )
    for name, f in known.items():
        if name not in raw and f.metadata.get("optional"):  # younger than some checkpoints
            continue
        if name not in raw:
            raise InvalidCheckpoint(
                f"config.json of {where} has no field '{prefix}{name}'; add it or save the checkpoint again."
            )
        if dataclasses.is_dataclass(hint := hints[name]):
            values[name] = _checked(raw[name], hint, f"{prefix}{name}.", where)  # type: ignore[arg-type]
        elif not fits(raw[name], hint, f.metadata):
            rule = "a JSON object" if get_origin(hint) is dict else wanted(hint, f.metadata)
            raise _refusal(where, prefix + name, rule, raw[name])
        else:
            values[name] = raw[name]
    return cls(**values)


def _refusal(where: str, name: str, rule: str, value: Any) -> InvalidCheckpoint:
    return InvalidCheckpoint(
        f"In config.json of {where}, '{name}' must be {rule}, not {shown(value)};"
        f" correct it or save the checkpoint again."
    )
