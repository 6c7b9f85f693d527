"""What became of a drop, written on its object, beside the tags that others put there."""

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from assetline.errors import AwsUnavailable
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
