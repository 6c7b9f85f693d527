"""Records of the feeds other than assets, with few keys: those that identify a record of the feed.

The paths and keys are those of docs/contracts/safetyculture-feeds.md, section 1.8.
"""

from typing import Any
from uuid import UUID, uuid5

_NAMESPACE = UUID("6f2b1c0e-8a57-4c43-9a0b-2f3d5e7c9b11")
_BELOW = {
    "/feed": "inspections inspection_items templates template_permissions users groups group_users site_members sites "
    "schedules schedule_assignees schedule_occurrences actions action_timeline_items action_assignees action_fields "
    "issues issue_timeline_items issue_assignees issue_relations",
    "/accounts/history/v2/feed": "activity_log_events",
    "/tasks/v1/feed": "action_fields",
    "/training/v1/feed": "training-course-progress",
    "/scheduling/v1/feed": "schedules schedule_assignees schedule_occurrences",
    "/assets/v1/feed": "assets_maintenance maintenance_plans maintenance_programs",
    "/companies/v1/feed": "companies companies/documents companies/members",
    "/credentials/v1/feed": "credentials credential-types",
    "/incidents/v1/feed": "investigations investigation_fields investigation_detail_fields investigation_relationships",
}
_KEYS = {
    "/feed/group_users": ("group_id", "user_id"),
    "/feed/site_members": ("site_id", "member_id"),
    "/training/v1/feed/training-course-progress": ("course_id", "user_id"),
    "/credentials/v1/feed/credentials": ("document_id",),
    "/companies/v1/feed/companies": ("company_id",),
    "/incidents/v1/feed/investigations": ("investigation_id",),
}

OTHER_FEEDS = tuple(f"{base}/{name}" for base, names in _BELOW.items() for name in names.split())


def record(path: str, index: int, seed: int = 0) -> dict[str, Any]:
    """Return record number *index* of the feed at *path*: a function of these and of *seed* alone."""
    ids = {key: str(uuid5(_NAMESPACE, f"{seed} {path} {key} {index}")) for key in _KEYS.get(path, ("id",))}
    return ids | {
        "name": f"{path.rpartition('/')[2]} {index + 1}",
        "organisation_id": "role_8b6f0a2d4c1e47f59e3d7a60b5c2f184",
        "modified_at": f"2026-{index % 12 + 1:02}-{index % 28 + 1:02}T{index % 24:02}:00:00.000Z",
    }
