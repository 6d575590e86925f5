"""Targets ``hydra:conf/model.yaml``: a configuration that names a class and its arguments."""

from functools import partial
from importlib import import_module

import yaml

from archlint.extend import TargetError, hookimpl


@hookimpl
def archlint_locate(prefix, name, root):
    if prefix != "hydra":
        return None
    file = root / name
    if not file.is_file():
        raise TargetError(f"hydra:{name}: there is no file {file}")
    config = yaml.safe_load(file.read_text(encoding="utf-8"))
    module, _, attribute = config.pop("_target_").rpartition(".")
    return partial(getattr(import_module(module), attribute), **config)
