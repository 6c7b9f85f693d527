"""Text from outside, on its way into a message: what Vi, AWS and libraries say, without what opens a door.

Messages end in tables, tags, events, reports, logs and terminals. A signed URL, a key or a bearer token that somebody
quotes to us stays out of all of them. An address that holds no secret stays readable: an origin alone, an S3 key.
"""

import html
import re
from urllib.parse import unquote

CHARACTERS = 300  # ours: a sentence, not a page
HIDDEN = "…"

_READ = 4000  # ours: characters that are looked through; the rest is left out
_DECODINGS = 10  # ours: how often an address may have been encoded
_SHORTEST = 8  # ours: a shorter credential would hide words
_CHUNK = 12  # ours: so many characters of a credential in a row are no chance

# A value that is hidden already, or stands for one in a message of ours, is none.
_VALUE = r"(?!(?:dtvi_|scapi_)?…)[^\s\"'<>&]+"
_NAME = (
    r"(?<![\w-])(?:x-(?:amz|goog|ms)-[\w-]{1,40}|[\w-]{0,40}signature|sig|[\w-]{0,40}token"
    r"|[\w-]{0,40}(?:api|secret|access)[_-]?key(?:[_-]?id)?|googleaccessid|key-pair-id|secret|password|passwd"
    r"|credential|policy|authorization|[\w-]{0,40}cookie)"
)
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), kept)
    for pattern, kept in (
        # A header's value goes on to the end of its line, or of the quotes it stands in.
        (r"(?<![\w-])((?:proxy-)?authorization|(?:set-)?cookie)(\\?[\"']?\s*[:=]\s*\\?[\"']?)[^\"'\r\n]+", r"\1\2…"),
        (rf"({_NAME}\\?[\"']?\s*=\s*\\?[\"']?){_VALUE}", r"\1…"),
        (rf"({_NAME}\\?[\"']\s*:\s*\\?[\"']?){_VALUE}", r"\1…"),
        (rf"((?<![\w-])x-(?:amz|goog|ms)-[\w-]{{1,40}}\s*:\s*){_VALUE}", r"\1…"),
        (
            r"((?<![\w-])[\w-]{0,40}(?:signature|token|(?:api|secret|access)[_-]?key|password)\s*:\s*)(?=\S*\d)\S{8,}",
            r"\1…",
        ),
        (
            r"(\bbearer[\s+:=]+)(?!(?:tokens?|keys?|auth\w*|scheme|realm|credentials?|is|was|not|has)\b)[^\s\"'<>,;]+",
            r"\1…",
        ),
        (r"(\bbasic[\s+]+)(?=[a-z+/]*[\d=])[\w+/=-]{8,}", r"\1…"),
        # The credentials of Vi, SafetyCulture and AWS, and JSON web tokens, are known by their first letters.
        (rf"\b(?:dtvi|scapi)_{_VALUE}", HIDDEN),
        (r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}", HIDDEN),
        (r"\beyJ[\w-]{8,}(?:\.[\w-]*){0,2}", HIDDEN),
        # Without a scheme, an address with a query is told by its host.
        (r"(?<![\w./:-])[\w-]+(?:\.[\w-]+)+(?::\d+)?(?:/[^\s\"<>?]*)?\?[^\s\"<>]+", HIDDEN),
    )
)
_ADDRESS = re.compile(r"(?:[a-z0-9+.-]{0,30}:|(?<![\w./:-]))//[^\s\"<>`]*", re.IGNORECASE)
_NO_SECRET = re.compile(
    r"(?:[a-z][a-z0-9+.-]*://[\w.-]+(?::\d+)?/?|s3://[\w.-]+/[^?@#%&=]*)[).,;:!'\]}]*", re.IGNORECASE
)
_WORDS = re.compile(r"([\s\"<>`]+)")
_ESCAPED = re.compile(r"\\u([0-9a-f]{4})", re.IGNORECASE)

_credentials: set[str] = set()


def never_show(credential: str) -> None:
    """Keep *credential*, and a good part of it, out of whatever is shown from now on, whoever quotes it."""
    if len(credential) >= _SHORTEST:
        _credentials.add(credential)


def without_secrets(said: str, characters: int = CHARACTERS) -> str:
    """Return what somebody else says, at most *characters* of it, with `…` for addresses and credentials in it."""
    text = _plain(_beginning(said.strip()))
    text = "".join(_word(word) for word in _WORDS.split(text))
    decoded = _decoded(text)
    return (_plain(decoded) if _reveals(decoded, text) else text)[:characters]


def _beginning(said: str) -> str:
    """Return what is looked through, up to the end of a word: half a credential is not told from a word."""
    if len(said) <= _READ:
        return said
    words = said[:_READ].rsplit(None, 1)
    return words[0] if len(words) > 1 else HIDDEN


def _plain(text: str) -> str:
    for credential in _credentials:
        text = text.replace(credential, HIDDEN)
    text = _ADDRESS.sub(lambda found: found[0] if _NO_SECRET.fullmatch(found[0]) else HIDDEN, text)
    for pattern, kept in _PATTERNS:
        text = pattern.sub(kept, text)
    return text


def _word(word: str) -> str:
    """Return a word; `…` for one that holds a part of a credential, or hides something by how it is encoded."""
    decoded = _decoded(word)
    if _reveals(decoded, word) or any(_shares(decoded, credential) for credential in _credentials):
        return HIDDEN
    return word


def _reveals(decoded: str, text: str) -> bool:
    return decoded != text and _plain(decoded) != decoded


def _decoded(text: str) -> str:
    """Return *text* without what JSON, URLs and HTML put in place of characters, one in the other."""
    for _ in range(_DECODINGS):
        unescaped = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text).replace("\\/", "/")
        plain = html.unescape(unquote(unescaped))
        if plain == text:
            break
        text = plain
    return text


def _shares(word: str, credential: str) -> bool:
    length = min(_CHUNK, len(credential))
    return any(credential[at : at + length] in word for at in range(len(credential) - length + 1))
