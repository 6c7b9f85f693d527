"""Vi's codes for refused files (docs/contracts/vi-api.md, section 3.3), with a description and a remedy."""

from dataclasses import dataclass

ALREADY_THERE = "EALREADY"  # not a rejection: the asset exists


@dataclass(frozen=True, slots=True)
class Rejection:
    """The meaning of a code; `retryable` if the same bytes may succeed when sent again."""

    message: str
    retryable: bool = False


_KNOWN = {
    "EBADMIME": Rejection(
        "The content does not match the extension. Open the file, save it as JPEG or PNG, and drop that."
    ),
    "EBADSIZE": Rejection(
        "Vi received fewer or more bytes than announced. If the error persists, drop the file again.", retryable=True
    ),
    "ECORRUPT": Rejection(
        "The file that Vi received is damaged or unreadable. Open the file to check that it is complete, "
        "and drop it again.",
        retryable=True,
    ),
    "ENOQUOTA": Rejection(
        "The organisation's quota in Vi is used up. Delete assets or enlarge the quota, "
        "then run `assetline drops retry`."
    ),
    "EOLDMETA": Rejection(
        "The asset was changed in Vi while it was being replaced. Run `assetline drops retry` when no "
        "other user edits it.",
        retryable=True,
    ),
    "ETIMEOUT": Rejection(
        "The file's bytes did not reach Vi in time. Run `assetline drops retry`.",
        retryable=True,
    ),
    "ERESNENT": Rejection(
        "A resource in Vi that the asset belongs to is missing. Check that the dataset is complete, then "
        "run `assetline drops retry`."
    ),
    "EPROJECT": Rejection(
        "The dataset accepts no assets: it may be locked, read-only or about to be deleted. Check it in "
        "Vi, then run `assetline drops retry`."
    ),
    "ENOASSET": Rejection(
        "Vi does not find the file it received. Run `assetline drops retry`. If the error persists, ask "
        "Datature's support.",
        retryable=True,
    ),
    "ESEQMETA": Rejection(
        "Vi does not accept the metadata of the file or sequence. Check the object's metadata "
        "(x-amz-meta-…), correct it, and drop the file again."
    ),
    "EUNKNOWN": Rejection(
        "Vi failed on the file without a reason. Run `assetline drops retry`. If the error persists, ask "
        "Datature's support.",
        retryable=True,
    ),
}


def rejection(code: str) -> Rejection:
    """Return the meaning of a code; an unknown code is final."""
    return _KNOWN.get(code) or Rejection(
        "Vi refused the file for a reason that Assetline does not recognise. Ask Datature's support "
        "about the code, then run `assetline drops retry`."
    )
