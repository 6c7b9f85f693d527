"""A Distributed Map gives its children what Step Functions give them: selected items, in batches, and no variables.

MiniStack ignores `ItemBatcher` and `ResultWriter`, and of a JSONata state also `Items`, `ItemSelector`, `Output` and
`Assign`. Here the inputs of the children are made first; MiniStack then runs one child for each.
"""

from __future__ import annotations

import copy
from typing import Any
from uuid import uuid4

from .item_batches import item_batches
from .machine_calls import calls_of_map, machine_of, read_call
from .machine_role import check_calls
from .map_results import write_results
from .patching import Function, attribute, wrap
from .state_size import MEASURED_ELSEWHERE

STATES = "ministack.services.stepfunctions"
# The fields that MiniStack's own function still reads.
KEPT = ("MaxConcurrency", "ToleratedFailureCount", "ToleratedFailurePercentage")


def teach() -> None:
    """Make MiniStack batch the items of a Distributed Map and write its results."""
    wrap(STATES, "_run_distributed_map", _batching)


def _batching(run: Function) -> Function:
    def run_distributed_map(state: dict[str, Any], given: Any, effective: Any, *others: Any) -> Any:
        iterator, execution, context = others
        check_calls(calls_of_map(machine_of(execution["stateMachineArn"])), execution)
        language = Language(state, given, effective, context)
        inputs = _inputs_of_children(state, language, execution)
        bare = {name: language.value(state[name]) for name in KEPT if name in state}
        bare |= {"Label": (label := state.get("Label") or str(uuid4())), MEASURED_ELSEWHERE: True}
        writer = state.get("ResultWriter")
        arguments = language.fields(writer) if writer else None
        try:
            # A child has no variable of its parent.
            results, _ = run(bare, None, inputs, iterator, execution, context | {"variables": {}})
        finally:
            written = write_results(execution, label, arguments) if arguments else None
        return language.output(results if written is None else written), attribute(STATES, "_next_or_end")(state)

    return run_distributed_map


class Language:
    """The expressions of one Map state, evaluated by MiniStack in the query language of the state."""

    def __init__(self, state: dict[str, Any], given: Any, effective: Any, context: dict[str, Any]) -> None:
        self.state = state
        self.given = given
        self.effective = effective
        self.context = context
        self.is_jsonata = attribute(STATES, "_state_query_language")(state, context) == "JSONata"

    def value(self, template: Any, context: dict[str, Any] | None = None) -> Any:
        """Return the value of *template* for the state's input."""
        context = self.context if context is None else context
        if self.is_jsonata:
            return attribute(STATES, "_apply_jsonata_template")(template, self.given, context)
        return attribute(STATES, "_resolve_params_obj")(template, self.effective, context)

    def path(self, path: str) -> Any:
        """Return the result of a JSONPath on the state's input, or on its context."""
        return attribute(STATES, "_resolve_path_or_ctx")(path, self.effective, self.context)

    def fields(self, integration: dict[str, Any]) -> Any:
        """Return the arguments of an ItemReader or a ResultWriter."""
        return self.value(integration.get("Arguments") or integration.get("Parameters") or {})

    def limit(self, batcher: dict[str, Any], name: str) -> int | None:
        """Return a limit of an ItemBatcher, which may be given by a path or an expression."""
        found = self.path(batcher[f"{name}Path"]) if f"{name}Path" in batcher else self.value(batcher.get(name))
        return None if found is None else int(found)

    def output(self, result: Any) -> Any:
        """Return the output of the state for its *result*, and assign its variables."""
        if self.is_jsonata:
            values = {"result": result}
            output = attribute(STATES, "_apply_jsonata_output")(
                self.state, self.given, self.context, default=result, **values
            )
            attribute(STATES, "_apply_state_assign")(self.state, self.given, self.context, **values)
            return output
        selected = attribute(STATES, "_apply_result_selector")(self.state, result)
        merged = attribute(STATES, "_apply_result_path")(self.state, self.given, selected)
        return attribute(STATES, "_apply_output_path")(self.state, merged, self.context)


def _inputs_of_children(state: dict[str, Any], language: Language, execution: Any) -> list[Any]:
    items = _items(state, language, execution)
    if selector := state.get("ItemSelector") or state.get("Parameters"):
        items = [_selected(selector, index, item, language) for index, item in enumerate(items)]
    if not (batcher := state.get("ItemBatcher")):
        return items
    return item_batches(
        items,
        most_items=language.limit(batcher, "MaxItemsPerBatch"),
        most_bytes=language.limit(batcher, "MaxInputBytesPerBatch"),
        common=language.value(batcher["BatchInput"]) if "BatchInput" in batcher else None,
    )


def _items(state: dict[str, Any], language: Language, execution: Any) -> list[Any]:
    if reader := state.get("ItemReader"):
        evaluated = {name: field for name, field in reader.items() if name != "Arguments"}
        evaluated["Parameters"] = arguments = language.fields(reader)
        check_calls([read_call(reader, arguments)], execution)
        found = attribute(STATES, "_read_map_items")(evaluated, language.effective, language.context)
    elif language.is_jsonata and "Items" in state:
        found = attribute(STATES, "_jsonata_state_field")(state, "Items", "array", language.given, language.context)
    else:
        found = language.path(state.get("ItemsPath", "$"))
    return found if isinstance(found, list) else [found]


def _selected(selector: Any, index: int, item: Any, language: Language) -> Any:
    context = copy.copy(language.context)
    context["Map"] = {"Item": {"Index": index, "Value": item}}
    return language.value(selector, context)
