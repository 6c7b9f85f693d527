import pytest

from assetline.errors import InvalidInput, UnknownFeed
from assetline.paging.page_size import page_size_of
from assetline.safetyculture.catalogue import CATALOGUE, feed_named
from assetline.safetyculture.definition import Feed

# The list of docs/contracts/safetyculture-feeds.md, section 1.8.
PATHS = {
    "/feed/inspections", "/feed/inspection_items", "/feed/templates", "/feed/template_permissions",
    "/feed/users", "/feed/groups", "/feed/group_users", "/feed/site_members", "/feed/sites",
    "/feed/schedules", "/feed/schedule_assignees", "/feed/schedule_occurrences",
    "/feed/actions", "/feed/action_timeline_items", "/feed/action_assignees",
    "/feed/issues", "/feed/issue_timeline_items", "/feed/issue_assignees", "/feed/issue_relations",
    "/feed/assets", "/accounts/history/v2/feed/activity_log_events", "/feed/action_fields",
    "/tasks/v1/feed/action_fields",
    "/training/v1/feed/training-course-progress",
    "/scheduling/v1/feed/schedules", "/scheduling/v1/feed/schedule_assignees",
    "/scheduling/v1/feed/schedule_occurrences",
    "/assets/v1/feed/assets_maintenance", "/assets/v1/feed/maintenance_plans", "/assets/v1/feed/maintenance_programs",
    "/companies/v1/feed/companies", "/companies/v1/feed/companies/documents", "/companies/v1/feed/companies/members",
    "/credentials/v1/feed/credentials", "/credentials/v1/feed/credential-types",
    "/incidents/v1/feed/investigations", "/incidents/v1/feed/investigation_fields",
    "/incidents/v1/feed/investigation_detail_fields", "/incidents/v1/feed/investigation_relationships",
}  # fmt: skip

EVERY_FEED = pytest.mark.parametrize("feed", CATALOGUE.values(), ids=list(CATALOGUE))


def names_by_the_rule() -> dict[str, str]:
    """Return path -> name, by the naming rule of the catalogue."""
    names = {path: path.partition("feed/")[2].replace("/", "_").replace("-", "_") for path in PATHS}
    taken = [*names.values()]
    return {
        path: name if taken.count(name) == 1 or path.startswith("/feed/") else f"{path.split('/')[1]}_{name}"
        for path, name in names.items()
    }


def test_every_feed_of_the_contract_is_there_once_with_its_name() -> None:
    assert {feed.path: feed.name for feed in CATALOGUE.values()} == names_by_the_rule()
    assert len(CATALOGUE) == len(PATHS)


def test_a_name_that_two_feeds_would_share_is_distinguished() -> None:
    assert feed_named("schedules").path == "/feed/schedules"
    assert feed_named("scheduling_schedules").path == "/scheduling/v1/feed/schedules"


def test_the_error_of_an_unknown_feed_lists_all_feeds() -> None:
    with pytest.raises(UnknownFeed) as refusal:
        feed_named("unicorns")
    assert all(name in str(refusal.value) for name in CATALOGUE)


@EVERY_FEED
def test_the_first_page_is_requested_at_the_largest_size(feed: Feed) -> None:
    known = {
        "schedules": 500, "schedule_assignees": 500, "schedule_occurrences": 500,
        "activity_log_events": 250, "issue_relations": 100, "actions": 100, "issues": 100, "action_assignees": 100,
        "action_timeline_items": 100, "issue_timeline_items": 100, "issue_assignees": 100,
    }  # fmt: skip
    assert feed.first_cursor({}, None) == f"{feed.path}?limit={known.get(feed.name, 1000)}"


@EVERY_FEED
def test_values_of_the_reader_are_no_parameters(feed: Feed) -> None:
    for name in ("limit", "next_page_token"):
        with pytest.raises(InvalidInput, match=name):
            feed.first_cursor({name: "7"}, None)


@EVERY_FEED
def test_no_feed_takes_a_name_that_would_change_the_address(feed: Feed) -> None:
    with pytest.raises(InvalidInput):
        feed.first_cursor({"a&limit": "7"}, None)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("assets", ("id",)),
        ("training_course_progress", ("course_id", "user_id")),
        ("group_users", ("group_id", "user_id")),
        ("site_members", ("site_id", "member_id")),
        ("credentials", ("document_id",)),
        ("companies", ("company_id",)),
        ("investigations", ("investigation_id",)),
    ],
)
def test_records_are_identified_by_the_feeds_own_key(name: str, key: tuple[str, ...]) -> None:
    assert feed_named(name).key == key


def test_the_feeds_that_can_be_asked_for_changes_are_known() -> None:
    assert {name for name, feed in CATALOGUE.items() if feed.takes_modified_after} == {
        "inspections", "inspection_items", "templates", "template_permissions", "actions", "action_timeline_items",
        "action_assignees", "training_course_progress", "companies", "companies_documents", "credentials",
    }  # fmt: skip


def test_the_feeds_that_have_a_successor_are_marked() -> None:
    assert {name for name, feed in CATALOGUE.items() if feed.legacy} == {
        "schedules",
        "schedule_assignees",
        "schedule_occurrences",
    }


@pytest.mark.parametrize(
    ("feed", "parameters"),
    [
        ("inspections", {"template": ["template_1", "template_2"], "archived": "both", "web_report_link": "private"}),
        ("inspections", {"template": "template_1", "completed": "false"}),
        ("inspections", {"modified_after": "2026-01-31T00:00:00Z", "modified_before": "2026-01-31T00:00:00.123+10:00"}),
        ("sites", {"offset": "0", "include_deleted": "true"}),
        ("training_course_progress", {"course_id": "1", "completion_status": "COMPLETE"}),
        ("training_course_progress", {"courseId": "1", "modifiedAfter": "2026-01-31T00:00:00Z"}),
        ("maintenance_plans", {"whatever_it_1s": ["a", "b"]}),
        ("scheduling_schedules", {"show_active": "true", "show_something_new": "yes"}),
    ],
)
def test_documented_parameters_are_accepted(feed: str, parameters: dict[str, str | list[str]]) -> None:
    assert feed_named(feed).first_cursor(parameters, 50).startswith(f"{feed_named(feed).path}?limit=50&")


@pytest.mark.parametrize(
    ("feed", "parameters", "allowed"),
    [
        ("inspections", {"archived": "yes"}, "one of true, false, both"),
        ("inspections", {"archived": ["true", "false"]}, "one of true, false, both"),
        ("inspections", {"web_report_link": "secret"}, "one of private, public"),
        ("inspections", {"template": ["template_1", ""]}, "text, or a list of it"),
        ("inspections", {"template": []}, "a list of it that is not empty"),
        ("maintenance_plans", {"site": []}, "anything but an empty list"),
        ("inspections", {"modified_after": "2026-01-31"}, "a time with its offset"),
        ("inspections", {"modified_after": "2026-01-31T00:00:00"}, "a time with its offset"),
        ("inspections", {"modified_after": "2026-02-31T00:00:00Z"}, "a time with its offset"),
        ("inspections", {"modified_aftr": "2026-01-31T00:00:00Z"}, "modified_after, modified_before"),
        ("sites", {"offset": "-1"}, "a whole number from 0"),
        ("sites", {"offset": "²"}, "a whole number from 0"),
        ("sites", {"show_only_leaf_nodes": "both"}, "one of true, false"),
        ("users", {"archived": "true"}, "it takes: none"),
        ("maintenance_plans", {"not a name": "1"}, "any name of letters, digits and underscores"),
        ("scheduling_schedules", {"show_active": "perhaps"}, "one of true, false"),
    ],
)
def test_other_parameters_are_refused_with_the_allowed_ones(
    feed: str, parameters: dict[str, str | list[str]], allowed: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        feed_named(feed).first_cursor(parameters, None)
    assert allowed in str(refusal.value)
    assert next(iter(parameters)) in str(refusal.value)


def test_a_refusal_does_not_repeat_the_value() -> None:
    with pytest.raises(InvalidInput) as refusal:
        feed_named("inspections").first_cursor({"archived": "scapi_oops"}, None)
    assert "scapi_oops" not in str(refusal.value)


@pytest.mark.parametrize(("feed", "size", "most"), [("schedules", 501, 500), ("issue_relations", 101, 100)])
def test_a_page_larger_than_the_feed_is_documented_to_give_is_refused(feed: str, size: int, most: int) -> None:
    with pytest.raises(InvalidInput, match=f"from 1 to {most}"):
        feed_named(feed).first_cursor({}, size)
    assert page_size_of(feed_named(feed).first_cursor({}, most)) == most


def test_a_feed_whose_page_size_is_its_own_is_left_alone() -> None:
    feed = Feed("bare", "/feed/bare", page_size_parameter=None)
    assert feed.first_cursor({}, None) == "/feed/bare"
    with pytest.raises(InvalidInput, match="leave `page_size` out"):
        feed.first_cursor({}, 100)
