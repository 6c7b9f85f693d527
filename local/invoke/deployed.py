"""The functions of a running stack: their names there, their time limits, and their environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3

from local.errors import LocalStackFailed
from local.stack.outputs import DeployedStack

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

FUNCTION_TYPE = "AWS::Lambda::Function"


def logical_id(function: str) -> str:
    """Return the name of a function in the template, from its folder: `open_export` is `OpenExportFunction`."""
    return "".join(word.capitalize() for word in function.split("_")) + "Function"


@dataclass(frozen=True)
class DeployedFunctions:
    """The deployed functions, by logical id."""

    client: LambdaClient
    names: dict[str, str]

    @classmethod
    def of(cls, stack: DeployedStack) -> DeployedFunctions:
        """Return the functions of *stack*."""
        cloudformation = boto3.client("cloudformation", **stack.connection)
        pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack.stack_name)
        resources = [resource for page in pages for resource in page["StackResourceSummaries"]]
        names = {
            resource["LogicalResourceId"]: resource["PhysicalResourceId"]
            for resource in resources
            if resource["ResourceType"] == FUNCTION_TYPE
        }
        return cls(boto3.client("lambda", **stack.connection), names)

    def name(self, function: str) -> str:
        """Return the name of the deployed function of a folder."""
        try:
            return self.names[logical_id(function)]
        except KeyError:
            raise LocalStackFailed(
                f"the local stack has no function {logical_id(function)}; deploy it again with `make up`"
            ) from None

    def environments(self) -> dict[str, dict[str, str]]:
        """Return the environment of each function, by logical id."""
        return {
            logical: self.client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
            for logical, name in self.names.items()
        }
