"""Vi's codes for refused files (docs/contracts/vi-api.md, section 3.3), in words, with what to do."""

from dataclasses import dataclass

ALREADY_THERE = "EALREADY"  # no rejection at all: the asset is there


@dataclass(frozen=True, slots=True)
class Rejection:
    """The meaning of a code; `retryable` where the same bytes may succeed when sent again."""

    message: str
    retryable: bool = False


_KNOWN = {
    "EBADMIME": Rejection(
        "Vi does not take the file as what its name says it is. Open it, save it as JPEG or PNG, and drop that."
    ),
    "EBADSIZE": Rejection(
        "Vi did not receive as many bytes as it was told. If it goes on, drop the file again.", retryable=True
    ),
    "ECORRUPT": Rejection(
        "What Vi received is damaged, or it cannot read it. Open the file to see if it is whole, and drop it again.",
        retryable=True,
    ),
    "ENOQUOTA": Rejection(
        "The organisation's quota in Vi is used up. Delete assets or enlarge the quota, "
        "then run `assetline drops retry`."
    ),
    "EOLDMETA": Rejection(
        "The asset was changed in Vi while it was being replaced. Run `assetline drops retry` when nobody works on it.",
        retryable=True,
    ),
    "ETIMEOUT": Rejection(
        "Vi waited for the file's bytes and gave up. Run `assetline drops retry`.",
        retryable=True,
    ),
    "ERESNENT": Rejection(
        "Something in Vi that the asset belongs to is not there. See that the dataset is whole, "
        "then run `assetline drops retry`."
    ),
    "EPROJECT": Rejection(
        "The dataset takes no assets: it may be locked, read-only or about to be deleted. Look at it in Vi, "
        "then run `assetline drops retry`."
    ),
    "ENOASSET": Rejection(
        "Vi does not find the file it received. Run `assetline drops retry`; if it goes on, ask Datature's support.",
        retryable=True,
    ),
    "ESEQMETA": Rejection(
        "Vi does not take the metadata of the file or sequence. Look at the object's metadata (x-amz-meta-…), "
        "correct it, and drop the file again."
    ),
    "EUNKNOWN": Rejection(
        "Vi failed on the file and does not say why. Run `assetline drops retry`; "
        "if it goes on, ask Datature's support.",
        retryable=True,
    ),
}


def rejection(code: str) -> Rejection:
    """Return what a code means; one that is not in the contract is said to be unknown, and final."""
    return _KNOWN.get(code) or Rejection(
        "Vi refused the file for a reason that is not known here. Ask Datature's support what the code means, "
        "then run `assetline drops retry`."
    )
