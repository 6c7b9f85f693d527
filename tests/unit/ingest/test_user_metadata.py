"""User metadata as S3 returns it: what is not ASCII comes as encoded words."""

from email.header import Header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetline.ingest.user_metadata import decoded_metadata

ENCODED = [
    ("=?UTF-8?B?Y2Fmw6k=?=", "café"),
    ("=?utf-8?q?caf=C3=A9_au_lait?=", "café au lait"),
    ("=?UTF-8?B?5Lit?= =?UTF-8?B?5paH?=", "中文"),
    ("=?UTF-8?B?5Lg=?=\t=?UTF-8?B?reaWhw==?=", "中文"),
    ("hall =?UTF-8?Q?=C3=B6?= 7", "hall ö 7"),
    ("=?UTF-8?B?Y2Fmw6k?=", "café"),
]
PLAIN = [
    "",
    "oslo",
    "a=?b?=c",
    "=?UTF-8?B?Y2Fmw6k=",
    "=?UTF-8?B?not base64?=",
    "=?UTF-8?B?w6?=",
    "=?UTF-8?Q?=FF?=",
    "=?ISO-8859-1?Q?=E9?=",
    "=?unicode_escape?Q?=5Cud800?=",
]


@pytest.mark.parametrize(("sent", "intended"), ENCODED)
def test_encoded_words_are_decoded(sent: str, intended: str) -> None:
    assert decoded_metadata({"title": sent}) == {"title": intended}


@pytest.mark.parametrize("value", PLAIN)
def test_a_value_that_is_no_encoded_word_stays_as_it_is(value: str) -> None:
    assert decoded_metadata({"title": value}) == {"title": value}


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1))
def test_a_value_in_encoded_words_arrives_as_it_was(value: str) -> None:
    sent = Header(value, "utf-8", maxlinelen=60).encode(linesep="").replace("\n", "")
    assert decoded_metadata({"title": sent}) == {"title": value}


@given(st.text())
def test_a_decoded_value_can_be_stored(value: str) -> None:
    decoded_metadata({"title": f"=?UTF-8?B?{value}?="})["title"].encode()
