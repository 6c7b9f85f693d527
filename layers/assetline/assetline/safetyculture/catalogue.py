"""The feeds that can be exported (docs/contracts/safetyculture-feeds.md, section 1.8).

The name of a feed is the part of its path after `feed/`, in snake case (`companies/documents` is
`companies_documents`). If two feeds would share a name, the one outside `/feed/` gets its module as a prefix. So
`/feed/schedules` is `schedules`, and `/scheduling/v1/feed/schedules` is `scheduling_schedules`.
"""

from collections.abc import Mapping
from types import MappingProxyType

from assetline.errors import UnknownFeed
from assetline.safetyculture.definition import MODIFIED_AFTER, Feed
from assetline.safetyculture.parameters import BOOLEAN, COUNT, TEXT, TEXTS, TIME, TRI_STATE, Kind, one_of

_MODIFIED: dict[str, Kind] = {MODIFIED_AFTER: TIME, "modified_before": TIME}
_OFFSET: dict[str, Kind] = {"offset": COUNT}
_SHOWN: dict[str, Kind] = dict.fromkeys(("show_active", "show_finished", "show_paused"), BOOLEAN)
_SCHEDULES: dict[str, Kind] = _OFFSET | _SHOWN | {"template": TEXTS}

# One source documents these in snake case, another observed camel case. The user must check which the API accepts.
_TRAINING: dict[str, Kind] = {
    "course_id": TEXT,
    "courseId": TEXT,
    "course_external_id": TEXT,
    "courseExternalId": TEXT,
    "user_id": TEXT,
    "userId": TEXT,
    "user_external_id": TEXT,
    "userExternalId": TEXT,
    MODIFIED_AFTER: TIME,
    "modifiedAfter": TIME,
    "completion_status": TEXT,
    "completionStatus": TEXT,
    "offset": COUNT,
}

_ASSETS = Feed(
    "assets",
    "/feed/assets",
    # In the order of the live rows; `status_options` was added in June 2026.
    columns=(
        "id",
        "code",
        "type_id",
        "type_name",
        "fields",
        "created_at",
        "modified_at",
        "site_id",
        "state",
        "status_options",
    ),
)

_INSPECTIONS = (
    Feed(
        "inspections",
        "/feed/inspections",
        parameters=_MODIFIED
        | {
            "template": TEXTS,
            "archived": TRI_STATE,
            "completed": TRI_STATE,
            "web_report_link": one_of("private", "public"),
        },
    ),
    Feed(
        "inspection_items",
        "/feed/inspection_items",
        parameters=_MODIFIED
        | {"template": TEXTS, "archived": TRI_STATE, "completed": TRI_STATE, "include_inactive": BOOLEAN},
    ),
    Feed("templates", "/feed/templates", parameters=_MODIFIED | {"archived": TRI_STATE}),
    Feed("template_permissions", "/feed/template_permissions", parameters=_MODIFIED | {"archived": TRI_STATE}),
)

_ORGANISATION = (
    Feed("users", "/feed/users"),
    Feed("groups", "/feed/groups"),
    Feed("group_users", "/feed/group_users", key=("group_id", "user_id")),
    Feed("sites", "/feed/sites", parameters=_OFFSET | {"include_deleted": BOOLEAN, "show_only_leaf_nodes": BOOLEAN}),
    Feed("site_members", "/feed/site_members", key=("site_id", "member_id")),
    Feed(
        "activity_log_events",
        "/accounts/history/v2/feed/activity_log_events",  # the current address; the one below /feed is older
        parameters=_OFFSET | {"triggered_after": TIME},
        max_page_size=250,
    ),
)

_SCHEDULING = (
    Feed("schedules", "/feed/schedules", parameters=_SCHEDULES, max_page_size=500, legacy=True),
    Feed("schedule_assignees", "/feed/schedule_assignees", parameters=_SCHEDULES, max_page_size=500, legacy=True),
    Feed(
        "schedule_occurrences",
        "/feed/schedule_occurrences",
        parameters=_OFFSET | {"start_date": TIME, "end_date": TIME, "template": TEXTS},
        max_page_size=500,
        legacy=True,
    ),
    # These feeds accept some `show_…` parameters; the names are not documented.
    Feed("scheduling_schedules", "/scheduling/v1/feed/schedules", parameters=_SHOWN, parameters_are_unsure=True),
    Feed(
        "scheduling_schedule_assignees",
        "/scheduling/v1/feed/schedule_assignees",
        parameters=_SHOWN,
        parameters_are_unsure=True,
    ),
    Feed(
        "scheduling_schedule_occurrences",
        "/scheduling/v1/feed/schedule_occurrences",
        parameters=_SHOWN,
        parameters_are_unsure=True,
    ),
)

_ACTIONS_AND_ISSUES = (
    # SafetyCulture's own exporter requests at most 100 actions or issues, because larger pages failed.
    Feed("actions", "/feed/actions", parameters=_MODIFIED | _OFFSET, first_page_size=100),
    Feed("issues", "/feed/issues", first_page_size=100),
    Feed("action_timeline_items", "/feed/action_timeline_items", parameters=_MODIFIED | _OFFSET, first_page_size=100),
    Feed("action_assignees", "/feed/action_assignees", parameters=_MODIFIED | _OFFSET, first_page_size=100),
    Feed("action_fields", "/feed/action_fields", parameters_are_unsure=True),
    Feed("tasks_action_fields", "/tasks/v1/feed/action_fields", parameters_are_unsure=True),
    Feed("issue_timeline_items", "/feed/issue_timeline_items", first_page_size=100),
    Feed("issue_assignees", "/feed/issue_assignees", first_page_size=100),
    Feed(
        "issue_relations",
        "/feed/issue_relations",
        parameters={"created_after": TIME, "created_before": TIME},
        max_page_size=100,
    ),
)

_MODULES = (
    Feed(
        "training_course_progress",
        "/training/v1/feed/training-course-progress",
        key=("course_id", "user_id"),
        parameters=_TRAINING,
    ),
    Feed("assets_maintenance", "/assets/v1/feed/assets_maintenance", parameters_are_unsure=True),
    Feed("maintenance_plans", "/assets/v1/feed/maintenance_plans", parameters_are_unsure=True),
    Feed("maintenance_programs", "/assets/v1/feed/maintenance_programs", parameters_are_unsure=True),
    Feed("companies", "/companies/v1/feed/companies", key=("company_id",), parameters={MODIFIED_AFTER: TIME}),
    Feed("companies_documents", "/companies/v1/feed/companies/documents", parameters={MODIFIED_AFTER: TIME}),
    Feed("companies_members", "/companies/v1/feed/companies/members", parameters_are_unsure=True),
    Feed("credentials", "/credentials/v1/feed/credentials", key=("document_id",), parameters={MODIFIED_AFTER: TIME}),
    Feed("credential_types", "/credentials/v1/feed/credential-types", parameters_are_unsure=True),
    Feed("investigations", "/incidents/v1/feed/investigations", key=("investigation_id",), parameters_are_unsure=True),
    Feed("investigation_fields", "/incidents/v1/feed/investigation_fields", parameters_are_unsure=True),
    Feed("investigation_detail_fields", "/incidents/v1/feed/investigation_detail_fields", parameters_are_unsure=True),
    Feed("investigation_relationships", "/incidents/v1/feed/investigation_relationships", parameters_are_unsure=True),
)

CATALOGUE: Mapping[str, Feed] = MappingProxyType(
    {
        feed.name: feed
        for feed in (_ASSETS, *_INSPECTIONS, *_ACTIONS_AND_ISSUES, *_ORGANISATION, *_SCHEDULING, *_MODULES)
    }
)


def feed_named(name: str) -> Feed:
    """Return the feed called *name*. Raise `UnknownFeed`, which lists the names, if there is none."""
    try:
        return CATALOGUE[name]
    except KeyError:
        raise UnknownFeed(f"No feed is called {name!r}; the feeds are: {', '.join(CATALOGUE)}.") from None
