"""The outcome of a drop as tags of its object, next to tags of other systems."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError

from assetline.errors import AwsUnavailable
from assetline.ingest.asset_names import short_dataset_id
from assetline.ingest.drop import Drop
from assetline.observability import logger

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import TagTypeDef

PREFIX = "assetline:"  # the prefix of our tags; they are always replaced together
MAX_TAGS = 10  # S3
MAX_KEY = 128  # S3, in characters
MAX_VALUE = 256  # S3, in characters
MAYBE_TAGGED = 1  # a tag count with which `tag` reads the tags

type TaggedOutcomes = Literal["All", "Rejected", "None"]
_SIGNS = frozenset("+-=._:/@")  # S3, besides letters, digits and spaces
_UNAVAILABLE = frozenset({"NoSuchKey", "NoSuchVersion", "NoSuchBucket", "MethodNotAllowed", "404", "405"})


@dataclass(frozen=True)
class ObjectTagger:
    """Writes outcomes of drops to their objects, as the parameter TagObjects selects them.

    With `Rejected`, an object that has the tag of an earlier outcome also gets the tags of its ingestion. So no tag is
    out of date. With `None`, tags of earlier outcomes stay as they are.
    """

    s3: "S3Client"
    outcomes: TaggedOutcomes

    def tag_ingested(self, drop: Drop, tag_count: int = MAYBE_TAGGED) -> None:
        """Write that Vi holds the object of *drop* as an asset."""
        tags = ingested_tags(drop.asset_filename)
        if self.outcomes == "All":
            tag(self.s3, drop.bucket, drop.key, tags, tag_count, drop.version_id)
        elif self.outcomes == "Rejected" and (drop.retried or drop.tag_count):
            tag(self.s3, drop.bucket, drop.key, tags, MAYBE_TAGGED, drop.version_id, only_replace=True)

    def tag_rejected(self, drop: Drop, reason: str) -> None:
        """Write why the object of *drop* is not an asset."""
        if self.outcomes != "None":
            tags = {"assetline:state": "rejected", "assetline:reason": reason}
            # Another system, such as a virus scanner, may have tagged the object since its inspection: read its tags.
            tag(self.s3, drop.bucket, drop.key, tags, MAYBE_TAGGED, drop.version_id)


def tag(  # noqa: PLR0913, PLR0917 - three of them are the address of the object
    s3: "S3Client",
    bucket: str,
    key: str,
    tags: dict[str, str],
    tag_count: int,
    version_id: str | None = None,
    *,
    only_replace: bool = False,
) -> bool:
    """Replace our tags of an object by *tags*; return whether the object has them now.

    Tags of other systems are kept, and come first if S3 accepts no more tags. *tag_count* is the number of tags of the
    object: at 0, the function does not read them, and replaces later ones. A deleted object stays unchanged. So does an
    object that S3 does not let the function tag, and with *only_replace* an object without one of our tags.
    """
    where: dict[str, Any] = {"Bucket": bucket, "Key": key} | ({"VersionId": version_id} if version_id else {})
    try:
        found = s3.get_object_tagging(**where)["TagSet"] if tag_count else []
        foreign = [entry for entry in found if not entry["Key"].startswith(PREFIX)]
        tagset = _merged(foreign, tags)
        if len(tagset) == len(foreign) or (only_replace and len(found) == len(foreign)):
            return False
        s3.put_object_tagging(**where, Tagging={"TagSet": tagset})
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code not in _UNAVAILABLE:
            logger.warning("object_not_tagged", bucket=bucket, key=key, error=code)
        return False
    except AwsUnavailable as error:
        logger.warning("object_not_tagged", bucket=bucket, key=key, error=type(error).__name__)
        return False
    return True


def ingested_tags(asset_filename: str) -> dict[str, str]:
    """Return the tags of an object whose asset Vi holds."""
    return {"assetline:state": "ingested", "assetline:asset": asset_filename}


def is_tagged_ingested(s3: "S3Client", drop: Drop) -> bool:
    """Return whether the tags of an object state that Vi holds it as the asset of *drop*.

    S3 removes tags with the bytes that they belong to, unless a copy includes the tags. They do not name the dataset,
    so only an object with the dataset in its key is judged by them.
    """
    if not drop.tag_count or short_dataset_id(drop.key.partition("/")[0]) != drop.dataset_id:
        return False
    try:
        tagset = s3.get_object_tagging(Bucket=drop.bucket, Key=drop.key)["TagSet"]
    except (ClientError, AwsUnavailable):
        return False  # the drop is sent again, which is harmless
    found = {entry["Key"]: entry["Value"] for entry in tagset}
    expected = ingested_tags(drop.asset_filename)
    return all(found.get(legal(name, MAX_KEY)) == legal(value) for name, value in expected.items())


def legal(text: str, longest: int = MAX_VALUE) -> str:
    """Return *text* in a form that S3 accepts in a tag: invalid characters become spaces, long texts are cut."""
    return "".join(sign if _is_legal(sign) else " " for sign in text)[:longest].strip()


def _merged(foreign: list["TagTypeDef"], own: dict[str, str]) -> list["TagTypeDef"]:
    mine: list[TagTypeDef] = [{"Key": legal(name, MAX_KEY), "Value": legal(value)} for name, value in own.items()]
    return (foreign + mine)[:MAX_TAGS]


def _is_legal(sign: str) -> bool:
    return sign in _SIGNS or sign.isalpha() or sign.isdecimal() or sign == " "
