"""The outcome of a drop as tags of its object, beside the tags of others."""

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from assetline.errors import AwsUnavailable
from assetline.ingest.asset_names import short_dataset_id
from assetline.ingest.drop import Drop
from assetline.observability import logger

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import TagTypeDef

OURS = "assetline:"  # every tag of ours begins so, and is replaced as a whole
MAX_TAGS = 10  # S3
MAX_KEY = 128  # S3, in characters
MAX_VALUE = 256  # S3, in characters
MAYBE_TAGGED = 1  # a tag count that makes `tag` look
_SIGNS = frozenset("+-=._:/@")  # S3, beside letters, digits and spaces
_GONE = frozenset({"NoSuchKey", "NoSuchVersion", "NoSuchBucket", "MethodNotAllowed", "404", "405"})


def tag(  # noqa: PLR0913, PLR0917 - the address of an object is three of them
    s3: "S3Client", bucket: str, key: str, tags: dict[str, str], tag_count: int, version_id: str | None = None
) -> bool:
    """Put *tags* on an object in the place of those it has of ours; say whether it has them now.

    Tags of others stay, and go first when S3 takes no more. *tag_count* is how many the object has: at 0 nobody looks,
    and what came since is replaced. An object that is gone, or that S3 does not let us tag, is left as it is.
    """
    where: dict[str, Any] = {"Bucket": bucket, "Key": key} | ({"VersionId": version_id} if version_id else {})
    try:
        theirs = _tags_of_others(s3, where) if tag_count else []
        tagset = _merged(theirs, tags)
        if len(tagset) == len(theirs):
            return False
        s3.put_object_tagging(**where, Tagging={"TagSet": tagset})
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code not in _GONE:
            logger.warning("object_not_tagged", bucket=bucket, key=key, error=code)
        return False
    except AwsUnavailable as error:
        logger.warning("object_not_tagged", bucket=bucket, key=key, error=type(error).__name__)
        return False
    return True


def ingested_tags(asset_filename: str) -> dict[str, str]:
    """Return the tags of an object that Vi has as an asset."""
    return {"assetline:state": "ingested", "assetline:asset": asset_filename}


def says_ingested(s3: "S3Client", drop: Drop) -> bool:
    """Return whether the tags of an object say that Vi has it as the asset that *drop* is to become.

    S3 removes tags with the bytes that they were put on, unless whoever puts others copies the tags. They do not name
    the dataset, so that only an object whose key names it is judged by them.
    """
    if not drop.tag_count or short_dataset_id(drop.key.partition("/")[0]) != drop.dataset_id:
        return False
    try:
        tagset = s3.get_object_tagging(Bucket=drop.bucket, Key=drop.key)["TagSet"]
    except (ClientError, AwsUnavailable):
        return False  # it is sent again, which loses nothing
    found = {one["Key"]: one["Value"] for one in tagset}
    ours = ingested_tags(drop.asset_filename)
    return all(found.get(legal(name, MAX_KEY)) == legal(value) for name, value in ours.items())


def legal(text: str, longest: int = MAX_VALUE) -> str:
    """Return *text* as S3 takes it in a tag: what it does not take becomes a space, what is too long is cut."""
    return "".join(sign if _is_legal(sign) else " " for sign in text)[:longest].strip()


def _tags_of_others(s3: "S3Client", where: dict[str, Any]) -> list["TagTypeDef"]:
    return [one for one in s3.get_object_tagging(**where)["TagSet"] if not one["Key"].startswith(OURS)]


def _merged(theirs: list["TagTypeDef"], ours: dict[str, str]) -> list["TagTypeDef"]:
    mine: list[TagTypeDef] = [{"Key": legal(name, MAX_KEY), "Value": legal(value)} for name, value in ours.items()]
    return (theirs + mine)[:MAX_TAGS]


def _is_legal(sign: str) -> bool:
    return sign in _SIGNS or sign.isalpha() or sign.isdecimal() or sign == " "
