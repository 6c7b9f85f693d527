"""Why a command could not do what it was asked; each message says what happened and what to do about it.

    CommandFailed
    ├── ParamMalformed        a --param that is not NAME=VALUE
    ├── StackMissing          no stack of that name
    ├── OutputsMissing        a stack of that name, but not one of ours, or not deployed to its end
    ├── OriginRefused         a stack whose Vi is at an address that no key is sent to
    ├── StartRefused          the machine did not take the execution
    ├── ExecutionMissing      no execution of that ARN
    ├── ExecutionForeign      an execution, but of another machine
    ├── ExportMissing         no export of that id
    ├── NothingToResume       an export, but one that is complete
    ├── NothingToStop         an export or execution that has ended
    ├── VersionsApart         the stack says something this version of the command cannot read
    ├── MetadataMalformed     a --metadata that is not KEY=VALUE, or that S3 does not keep
    ├── NothingToDrop         no file below the paths given
    ├── FilesCollide          two files that would be one drop
    ├── FolderUnreadable      a folder to drop that cannot be looked into
    ├── DropMissing           no drop of that id
    ├── NothingToRetry        drops, but none that can be re-queued
    ├── RedriveIncomplete     dead letters that SQS did not take back
    ├── RunNotStarted         drops that wait again, without a run to take them at once
    ├── FolderUnwritable      the directory given with --to, or to download into
    ├── FolderFull            a disk that takes no more, or the directory gone, in the middle of a download
    ├── SelectionMalformed    conditions on assets that cannot be understood
    ├── PlaceUnreadable       a folder or a bucket to compare with that is not there, or cannot be read
    ├── InputTooLarge         an input that does not fit into an execution
    ├── RunFailed             a run on assets that did not succeed
    ├── RunUnheard            a run that goes on, and that AWS says nothing of any more
    ├── CountChanged          another number of assets than was to be deleted
    ├── AllMeant              conditions that leave out nothing, where nobody is asked before a deletion
    ├── ViBusy                Vi asks for a longer pause than a command waits
    ├── NotProcessed          an asset that Vi is not through with in time, or never will be
    └── DownloadFailed        the file is in S3 and did not arrive

What boto3 raises is no part of the tree: `explain` puts it into the operator's words.
"""

from __future__ import annotations


class CommandFailed(Exception):  # noqa: N818 - named for what happened, as the errors of the layer are
    """The command ends with exit status 1 and this message."""


class ParamMalformed(CommandFailed):
    """A --param is not NAME=VALUE."""


class StackMissing(CommandFailed):
    """CloudFormation knows no stack of that name here."""


class OutputsMissing(CommandFailed):
    """The stack has not the outputs of an Assetline stack."""


class OriginRefused(CommandFailed):
    """The stack's Vi is not at https."""


class StartRefused(CommandFailed):
    """Step Functions did not start the execution."""


class ExecutionMissing(CommandFailed):
    """Step Functions knows no execution of that ARN here."""


class ExecutionForeign(CommandFailed):
    """The execution is one of another state machine."""


class ExportMissing(CommandFailed):
    """The exports table has no item of that id."""


class NothingToResume(CommandFailed):
    """The export is complete."""


class NothingToStop(CommandFailed):
    """The export or the execution has ended already, and not by being stopped."""


class VersionsApart(CommandFailed):
    """The stack wrote something this version of the command cannot read."""


class MetadataMalformed(CommandFailed):
    """A --metadata is not KEY=VALUE, or not what S3 keeps with an object."""


class NothingToDrop(CommandFailed):
    """There is no file below the paths given."""


class FilesCollide(CommandFailed):
    """Two files would be put under the same key."""


class FolderUnreadable(CommandFailed):
    """A folder to drop cannot be looked into."""


class DropMissing(CommandFailed):
    """The drops table has no item of that id."""


class NothingToRetry(CommandFailed):
    """None of the drops can be re-queued."""


class RedriveIncomplete(CommandFailed):
    """SQS refused to take some dead letters back; they stay where they are."""


class RunNotStarted(CommandFailed):
    """Drops were re-queued, and the run that takes them was not started."""


class FolderUnwritable(CommandFailed):
    """The directory given with --to, or to download into, cannot be written to."""


class FolderFull(CommandFailed):
    """The disk takes no more, or the directory can no longer be written to."""


class SelectionMalformed(CommandFailed):
    """Which assets are meant cannot be understood."""


class PlaceUnreadable(CommandFailed):
    """There is no such folder or bucket to compare with, or it cannot be read."""


class InputTooLarge(CommandFailed):
    """The input of a run is larger than Step Functions takes."""


class RunFailed(CommandFailed):
    """A download or a deletion failed as a whole; the message says why."""


class RunUnheard(CommandFailed):
    """A download or a deletion goes on, and cannot be watched any longer."""


class CountChanged(CommandFailed):
    """There are more or fewer assets than --expect-count says."""


class AllMeant(CommandFailed):
    """All assets of a dataset would be deleted, and it is not said that this is meant."""


class ViBusy(CommandFailed):
    """Vi asks to wait longer than the command does."""


class NotProcessed(CommandFailed):
    """Vi is not through with an asset in time, or could not process it."""


class DownloadFailed(CommandFailed):
    """The finished file is in S3 and could not be brought here."""
