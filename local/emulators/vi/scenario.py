"""The behaviour of the emulated API for a while: its assets, its pace, and its faults.

A fact that docs/contracts/vi-api.md, section 9, lists as unsure is a setting here, and a possible failure is a `Fault`.
All of it is data: a literal in a test, a JSON file, or the body of a request.
"""

from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import BaseModel, Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

LOCAL_ORGANIZATION = "8b6f0a2d-4c1e-47f5-9e3d-7a60b5c2f184"
LOCAL_KEY = "dtvi_" + "local" * 19 + "key"  # as long as the official client requires; opens nothing but the emulator


class _ViValue(BaseModel, frozen=True, extra="forbid"):
    """A value: compared by content, never changed, and strict about the names of its parts."""


class _ViFault(_ViValue):
    """A failure of the first *times* times (None is always)."""

    times: PositiveInt | None = None


class FileFault(_ViFault):
    """A fault of the files whose names match *filename*."""

    filename: str = "*"

    def strikes(self, filename: str) -> bool:
        """Return whether this fault applies to a file."""
        return fnmatchcase(filename, self.filename)


class ApiFault(_ViFault):
    """Requests of *method* (None is any) whose path contains *path* are answered *status* before anything is done."""

    kind: Literal["api"] = "api"
    method: str | None = None
    path: str = ""
    status: int = Field(default=503, ge=400, le=599)
    retry_after: NonNegativeFloat | None = None
    message: str = "The scenario refuses this request"


class LostAnswer(_ViFault):
    """A session is opened, and the connection ends before the answer does."""

    kind: Literal["lost_answer"] = "lost_answer"


class LostDeletion(_ViFault):
    """A bulk deletion is started, and the connection ends before the answer does."""

    kind: Literal["lost_deletion"] = "lost_deletion"


class DeletionFails(_ViFault):
    """A bulk deletion fails for *reason* when it is due; it has deleted the first *deleted* assets."""

    kind: Literal["deletion_fails"] = "deletion_fails"
    reason: str = "Internal"
    deleted: NonNegativeInt = 0


class PutFault(FileFault):
    """A file's PUT is answered with *status*, and nothing is stored; 0 resets the connection half-way."""

    kind: Literal["put"] = "put"
    status: int = 503


class DamagedPut(FileFault):
    """A file's PUT is answered with 200, and the stored file differs in its last byte."""

    kind: Literal["damaged_put"] = "damaged_put"


class DeadUploadHost(FileFault):
    """The signed URL of a file names a port without a server."""

    kind: Literal["dead_upload_host"] = "dead_upload_host"


class ExpiredUpload(FileFault):
    """The signed URL of a file has expired when Vi returns it."""

    kind: Literal["expired_upload"] = "expired_upload"


class FileError(FileFault):
    """Vi rejects a file, with *code*."""

    kind: Literal["file_error"] = "file_error"
    code: str = "ECORRUPT"


class OmittedEntry(FileFault):
    """The answer to a new session leaves a file out."""

    kind: Literal["omitted_entry"] = "omitted_entry"


class RefusedEntry(FileFault):
    """A session with a matching file is not opened: *status*, and *message* names no file."""

    kind: Literal["refused_entry"] = "refused_entry"
    status: int = Field(default=400, ge=400, le=499)
    message: str = "spec.assets is not valid"


class SessionFails(_ViFault):
    """A session fails when all its files are uploaded, for *reason*."""

    kind: Literal["session_fails"] = "session_fails"
    reason: str = "Internal"


class RepeatedToken(_ViFault):
    """The second page of a list leads to itself."""

    kind: Literal["repeated_token"] = "repeated_token"


class MissingItems(_ViFault):
    """A list is answered with 200 and an object without `items`."""

    kind: Literal["missing_items"] = "missing_items"


class NoContents(FileFault):
    """An asset is listed without the requested signed URL."""

    kind: Literal["no_contents"] = "no_contents"


class DownloadFault(FileFault):
    """A file's download is cut short, has other bytes, is answered with *status*, or its URL has expired."""

    kind: Literal["download"] = "download"
    what: Literal["short", "wrong", "expired", "status"] = "short"
    status: int = 503


type Fault = Annotated[
    ApiFault
    | LostAnswer
    | LostDeletion
    | DeletionFails
    | PutFault
    | DamagedPut
    | DeadUploadHost
    | ExpiredUpload
    | FileError
    | OmittedEntry
    | RefusedEntry
    | SessionFails
    | RepeatedToken
    | MissingItems
    | NoContents
    | DownloadFault,
    Field(discriminator="kind"),
]


class ViScenario(_ViValue):
    """The emulated API.

    `holds` is the number of small images in each dataset at the start: `image_00000.png` and so on.

    `sessions_per_window` in `window_seconds` is the session quota; None sets no quota. A session ends `finish_seconds`
    after its last file; a file that is missing after `session_seconds` is an error. `lists_uploads` adds signed URLs
    to the answers for a session, `shows_spec_assets` its files. `keep_linked` is the spelling of the retention mode in
    answers. `collides` makes the last segment of every download URL the same. The `uploadStatus` of an asset is
    `processing` for `processing_seconds`, and then `completed`.

    A bulk deletion takes `deletion_seconds`, and is polled `deletion_polls` times before it deletes the assets of its
    filter and ends. With `lists_deletions` lists include it, with `shows_deletion_spec` including its query.
    """

    organization: str = LOCAL_ORGANIZATION
    key: str = LOCAL_KEY
    datasets: tuple[str, ...] = ("ds1", "ds2", "ds3")
    holds: dict[str, NonNegativeInt] = Field(default_factory=dict)
    sessions_per_window: PositiveInt | None = 5
    window_seconds: PositiveFloat = 300
    finish_seconds: NonNegativeFloat = 0
    session_seconds: PositiveFloat = 86_400
    url_seconds: PositiveFloat = 3600
    latency_seconds: NonNegativeFloat = 0
    max_page_size: PositiveInt = 1000
    lists_uploads: bool = False
    shows_spec_assets: bool = False
    lists_sessions: bool = True
    keep_linked: Literal["KeepLinkedResources", "KeepLinkedResource"] = "KeepLinkedResources"
    delete_body: str = ""
    collides: bool = False
    part_bytes: PositiveInt = 128 * 1024**2
    deletion_seconds: NonNegativeFloat = 0
    deletion_polls: NonNegativeInt = 0
    processing_seconds: NonNegativeFloat = 0
    lists_deletions: bool = True
    shows_deletion_spec: bool = True
    faults: tuple[Fault, ...] = ()
