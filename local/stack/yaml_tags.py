"""CloudFormation templates in YAML, read and written without losing their short tags (`!Ref`, `!Sub`, …)."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml
from yaml.representer import SafeRepresenter


@dataclass(frozen=True)
class Tagged:
    """A value under a short tag: `!Ref ExportBucket` is `Tagged("!Ref", "ExportBucket")`."""

    tag: str
    value: Any


class _Loader(yaml.CSafeLoader):
    """The loader in C: the one in Python takes a second for the template."""


class _Dumper(yaml.CSafeDumper):
    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 (the name is PyYAML's)
        """Write every value in full: CloudFormation reads no aliases."""
        return True


def _read_tagged(loader: _Loader, suffix: str, node: yaml.Node) -> Tagged:
    match node:
        case yaml.ScalarNode():
            value: Any = loader.construct_scalar(node)
        case yaml.SequenceNode():
            value = loader.construct_sequence(node, deep=True)
        case yaml.MappingNode():
            value = loader.construct_mapping(node, deep=True)
    return Tagged(f"!{suffix}", value)


def _read_text(loader: _Loader, node: yaml.Node) -> str:
    return str(loader.construct_scalar(cast("yaml.ScalarNode", node)))


def _write_tagged(dumper: SafeRepresenter, tagged: Tagged) -> yaml.Node:
    match tagged.value:
        case dict():
            return dumper.represent_mapping(tagged.tag, tagged.value)
        case list():
            return dumper.represent_sequence(tagged.tag, tagged.value)
        case value:
            return dumper.represent_scalar(tagged.tag, str(value))


_Loader.add_multi_constructor("!", _read_tagged)
# As in CloudFormation, 2012-10-17 is a policy version, not a date.
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _read_text)
_Dumper.add_representer(Tagged, _write_tagged)


def read_template(path: Path) -> dict[str, Any]:
    """Return the template in *path*."""
    return cast("dict[str, Any]", yaml.load(path.read_text(), _Loader))  # noqa: S506 (a SafeLoader)


def in_full(node: Any) -> Any:
    """Return *node* without short tags: `!Ref ExportBucket` is `{"Ref": "ExportBucket"}`."""
    match node:
        case Tagged("!Ref" | "!Condition" as tag, value):
            return {tag[1:]: value}
        case Tagged("!GetAtt", str(value)):
            return {"Fn::GetAtt": value.split(".", 1)}
        case Tagged(tag, value):
            return {f"Fn::{tag[1:]}": in_full(value)}
        case dict():
            return {key: in_full(value) for key, value in node.items()}
        case list():
            return [in_full(value) for value in node]
    return node


def template_json(template: dict[str, Any]) -> str:
    """Return *template* as JSON, without short tags."""
    return json.dumps(in_full(template), indent=2)


def template_text(template: dict[str, Any]) -> str:
    """Return *template* as YAML that `read_template` reads back equal."""
    return yaml.dump(template, Dumper=_Dumper, sort_keys=False, width=120)
