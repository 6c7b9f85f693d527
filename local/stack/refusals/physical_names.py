"""CloudFormation creates no resource under a physical name that another resource of the account has.

MiniStack's stack replaces the other resource instead: two stacks then share one schedule, log group or rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .patching import Function, attribute, wrap

STACKS = "ministack.services.cloudformation.stacks"


@dataclass(frozen=True)
class Named:
    """A type of resource whose *property* is its name; MiniStack keeps those that exist in *store* of *owner*.

    The *key* there has the name in it and, for some, the holder: a property with its default, in *within*.
    """

    property: str
    owner: str
    store: str
    key: str = "{name}"
    within: tuple[str, str] = ("", "")

    def key_of(self, properties: Mapping[str, Any]) -> str | None:
        """Return the key of a resource that has *properties*; None if CloudFormation names it."""
        if not (name := properties.get(self.property)):
            return None
        container, default = self.within
        holder = str(properties.get(container, default)).rpartition("/")[2]  # a bus may be given by its ARN
        return self.key.format(name=name, holder=holder)


NAMED = {
    "AWS::Scheduler::Schedule": Named(
        "Name", "ministack.services.scheduler", "_schedules", "{holder}/{name}", ("GroupName", "default")
    ),
    "AWS::Logs::LogGroup": Named("LogGroupName", "ministack.services.cloudwatch_logs", "_log_groups"),
    "AWS::Events::Rule": Named(
        "Name", "ministack.services.eventbridge", "_rules", "{holder}|{name}", ("EventBusName", "default")
    ),
    "AWS::CloudWatch::Alarm": Named("AlarmName", "ministack.services.cloudwatch", "_alarms"),
    "AWS::CloudWatch::Dashboard": Named("DashboardName", "ministack.services.cloudwatch", "_dashboards"),
}


def teach() -> None:
    """Make MiniStack's CloudFormation refuse to create a resource under a name that is taken."""
    for named in NAMED.values():
        attribute(named.owner, named.store)
    wrap(STACKS, "_provision_resource", _refusing_taken_names)


def _refusing_taken_names(provision: Function) -> Function:
    def provision_resource(kind: str, logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Any:
        named = NAMED.get(kind)
        key = named.key_of(properties) if named else None
        if named and key and key in attribute(named.owner, named.store):
            identifier = f'{{"/properties/{named.property}":"{properties[named.property]}"}}'
            raise ValueError(f"Resource of type '{kind}' with identifier '{identifier}' already exists.")
        return provision(kind, logical_id, properties, stack_name)

    return provision_resource
