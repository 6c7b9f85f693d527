"""Redaction of text from outside (Vi, AWS, libraries) before it enters a message.

Messages end in tables, tags, events, reports, logs and terminals. The redaction removes quoted signed URLs, keys and
bearer tokens. An address without a secret stays readable: a bare origin, an S3 key.
"""

import html
import re
from urllib.parse import unquote

CHARACTERS = 300  # ours: one sentence
HIDDEN = "…"

_READ = 4000  # ours: characters that are searched; the rest is cut off
_DECODINGS = 10  # ours: how often an address may be encoded
_SHORTEST = 8  # ours: a shorter credential would also hide ordinary words
_CHUNK = 12  # ours: so many consecutive characters of a credential are not a coincidence

# Skip a value that is already hidden, and the placeholder of a value in our own messages.
_VALUE = r"(?!(?:dtvi_|scapi_)?…)[^\s\"'<>&]+"
_NAME = (
    r"(?<![\w-])(?:x-(?:amz|goog|ms)-[\w-]{1,40}|[\w-]{0,40}signature|sig|[\w-]{0,40}token"
    r"|[\w-]{0,40}(?:api|secret|access)[_-]?key(?:[_-]?id)?|googleaccessid|key-pair-id|secret|password|passwd"
    r"|credential|policy|authorization|[\w-]{0,40}cookie)"
)
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), kept)
    for pattern, kept in (
        # The value of a header ends with its line, or with the quotes around it.
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
        # The credentials of Vi, SafetyCulture and AWS, and JSON web tokens, have known prefixes.
        (rf"\b(?:dtvi|scapi)_{_VALUE}", HIDDEN),
        (r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}", HIDDEN),
        (r"\beyJ[\w-]{8,}(?:\.[\w-]*){0,2}", HIDDEN),
        # Without a scheme, the host identifies an address with a query.
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
    """Hide *credential*, and any long part of it, in all text that is redacted from now on."""
    if len(credential) >= _SHORTEST:
        _credentials.add(credential)


def without_secrets(text_from_outside: str, characters: int = CHARACTERS) -> str:
    """Return *text_from_outside* without addresses and credentials (`…` instead), cut to *characters*."""
    text = _plain(_beginning(text_from_outside.strip()))
    text = "".join(_word(word) for word in _WORDS.split(text))
    decoded = _decoded(text)
    return (_plain(decoded) if _reveals(decoded, text) else text)[:characters]


def _beginning(text: str) -> str:
    """Return the searched text, cut at the end of a word: a partial credential is not recognisable."""
    if len(text) <= _READ:
        return text
    words = text[:_READ].rsplit(None, 1)
    return words[0] if len(words) > 1 else HIDDEN


def _plain(text: str) -> str:
    for credential in _credentials:
        text = text.replace(credential, HIDDEN)
    text = _ADDRESS.sub(lambda found: found[0] if _NO_SECRET.fullmatch(found[0]) else HIDDEN, text)
    for pattern, kept in _PATTERNS:
        text = pattern.sub(kept, text)
    return text


def _word(word: str) -> str:
    """Return a word, or `…` if it contains a part of a credential or hides one by its encoding."""
    decoded = _decoded(word)
    if _reveals(decoded, word) or any(_shares(decoded, credential) for credential in _credentials):
        return HIDDEN
    return word


def _reveals(decoded: str, text: str) -> bool:
    return decoded != text and _plain(decoded) != decoded


def _decoded(text: str) -> str:
    """Return *text* without the nested escapes of JSON, URLs and HTML."""
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
