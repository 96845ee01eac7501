"""Checks ``model.config`` against transformers' source, read but not run, because importing it takes seconds.

What a configuration class computes or refuses when it is made only shows in a build.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

from jepa_core.recipe.model_config import (
    ConfigKind,
    key_problems,
    more_than_text,
    sizes_together,
    type_problem,
    with_unnamed,
)
from jepa_core.registry.module_files import Unread, file_of
from jepa_core.registry.places import KeyPath
from jepa_core.registry.statements import assigned
from jepa_core.registry.syntax import Definition, syntax

_AUTO = "transformers.models.auto"


def outlined_problems(config: Mapping[str, Any]) -> list[tuple[KeyPath, str]]:
    """Lists the wrong keys of a model configuration, by its class's source. Raises Unread if that can't be read."""
    model_type = config.get("model_type")
    if wrong := type_problem(model_type, causal_types()):
        return wrong
    folder = _folder_of(str(model_type))
    module = f"transformers.models.{folder}.configuration_{folder}"
    class_ = _class_of(module, str(model_type))
    if words := _more_than_text(class_, str(model_type)):
        return [(("model_type",), words)]
    shared = {name for name, _, _ in _fields(_base())}
    found = [field for field in _fields(class_) if field[0] not in shared]
    types = with_unnamed({name: of for name, of, _ in found}, [str(file_of(module)[0].parent)])
    aliases = _value(class_, "attribute_map", {})
    kind = ConfigKind(str(model_type), types, aliases, _activations())
    given = {key: value for key, value in config.items() if key != "model_type"}
    values = {**{name: default for name, _, default in found}, **{aliases.get(k, k): v for k, v in given.items()}}
    common = {name: values.get(own) for name, own in aliases.items()}
    together = sizes_together(SimpleNamespace(**{**values, **common, "model_type": model_type}), given, types)
    return key_problems(kind, given) or [*together]


def causal_types() -> list[str]:
    """The types of causal language models that there are. Raises Unread where the source does not say."""
    text = file_of(f"{_AUTO}.modeling_auto")[0].read_text(encoding="utf-8")
    names = re.search(r"^MODEL_FOR_CAUSAL_LM_MAPPING_NAMES = OrderedDict\((.*?)^\)", text, re.DOTALL | re.MULTILINE)
    if names is None:
        raise Unread("MODEL_FOR_CAUSAL_LM_MAPPING_NAMES")
    return re.findall(r'^ *\("([\w.-]+)",', names[1], re.MULTILINE)


def _folder_of(model_type: str) -> str:
    text = file_of(f"{_AUTO}.auto_mappings")[0].read_text(encoding="utf-8")
    special = re.search(r"^SPECIAL_MODEL_TYPE_TO_MODULE_NAME = (.*?)^\)", text, re.DOTALL | re.MULTILINE)
    found = re.search(rf'\("{re.escape(model_type)}", "(\w+)"\)', special[1]) if special else None
    return found[1] if found else model_type.replace("-", "_")


def _class_of(module: str, model_type: str) -> Definition:
    """Finds the configuration class of this model type in a module."""
    code = syntax(module)
    for node in code.bound.values():
        if isinstance(node, ast.ClassDef) and _value(Definition(code, node), "model_type", None) == model_type:
            return Definition(code, node)
    raise Unread(f"{module} has no configuration of {model_type}")


def _more_than_text(class_: Definition, model_type: str) -> str:
    """Refuses a model that is more than a language model, naming the type of its text part; else empty."""
    parts = next((v for node in class_.node.body for name, v in assigned(node) if name.startswith("sub_configs")), None)
    if not isinstance(parts, ast.Dict):
        return ""
    named = {k.value: v for k, v in zip(parts.keys, parts.values, strict=True) if isinstance(k, ast.Constant)}
    text = named.get("text_config")
    if text is None:
        return more_than_text(model_type, "") if "decoder" in named else ""
    try:
        inner = class_.home.value(text)
    except Unread:
        inner = None
    return more_than_text(model_type, _value(inner, "model_type", "") if isinstance(inner, Definition) else "")


def _base() -> Definition:
    found = syntax("transformers.configuration_utils").named("PreTrainedConfig")
    assert isinstance(found, Definition)
    return found


def _fields(class_: Definition) -> Iterator[tuple[str, Any, Any]]:
    """Yields name, type and default of a class's fields, those of its bases first."""
    for base in class_.bases:
        if isinstance(base, Definition) and isinstance(base.node, ast.ClassDef):
            yield from _fields(base)
    for node in class_.node.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and not _of_class(node.annotation):
            yield node.target.id, class_.home.annotation(node.annotation), _value(class_, node.target.id, None)


def _of_class(annotation: ast.expr) -> bool:
    return ast.unparse(annotation).startswith("ClassVar")


def _value(class_: Definition, name: str, otherwise: object) -> Any:
    try:
        return class_.attribute(name)
    except Unread:
        return otherwise


def _activations() -> list[str]:
    node = syntax("transformers.activations").bound.get("ACT2CLS")
    if not isinstance(node, ast.Dict):
        raise Unread("ACT2CLS")
    return [str(key.value) for key in node.keys if isinstance(key, ast.Constant)]
