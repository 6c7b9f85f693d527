"""Secrets as people put them in: pasted, saved by an editor, corrected in a hurry."""

import json
from collections.abc import Callable

import pytest

from assetline.credentials import Token, ViCredentials, ViKey
from assetline.errors import KeyMissing, KeyRefused, TokenMissing, TokenRefused

GOOD = "scapi_good"
VI = '{"secret_key": "dtvi_good", "organization_id": "org"}'


class Secret:
    """A secret whose text is kept, as the functions keep it, until it is read again."""

    def __init__(self, text: str | None) -> None:
        self.text = self._kept = text
        self.read_again = 0

    def read(self, fresh: bool) -> str | None:
        self.read_again += fresh
        if fresh:
            self._kept = self.text
        return self._kept


ODD = {
    "a BOM": ("\ufeffscapi_good", "character 1 of 11 is U+FEFF (zero width no-break space)"),
    "typographic quotes": ("“scapi_good”", "character 1 of 12 is U+201C (left double quotation mark)"),
    "a zero-width space": ("scapi_\u200bgood", "character 7 of 11 is U+200B (zero width space)"),
    "a zero-width space at the end": ("scapi_good\u200b", "character 11 of 11 is U+200B"),
    "an inner line break": ("scapi_\ngood", "character 7 of 11 is U+000A (line break)"),
    "a carriage return": ("scapi_\rgood", "character 7 of 11 is U+000D (carriage return)"),
    "an inner blank": ("scapi_ good", "character 7 of 11 is U+0020 (space)"),
    "a null": ("scapi_good\0", "character 11 of 11 is U+0000 (null)"),
    "an en dash": ("scapi\u2013good", "character 6 of 10 is U+2013 (en dash)"),
    "half a surrogate pair": ("scapi_\ud83dgood", "character 7 of 11 is U+D83D"),
    "Latin-1": ("scapi_gööd", "character 8 of 10 is U+00F6"),
}


class TestToken:
    @pytest.mark.parametrize("text", [GOOD, f"  {GOOD}\n", f"{GOOD}\r\n", f"\u00a0{GOOD}\t"])
    def test_blanks_around_it_are_not_part_of_it(self, text: str) -> None:
        assert Token("arn:secret", Secret(text).read).value() == GOOD

    @pytest.mark.parametrize(("text", "message"), ODD.values(), ids=ODD)
    def test_a_character_that_no_token_has_is_refused_by_its_place(self, text: str, message: str) -> None:
        with pytest.raises(TokenRefused) as refusal:
            Token("arn:secret", Secret(text).read).value()
        assert message in str(refusal.value)
        assert "arn:secret" in str(refusal.value)
        assert "good" not in str(refusal.value)

    @pytest.mark.parametrize("bad", ["", " \n", None, *(text for text, _ in ODD.values())])
    def test_a_corrected_secret_is_taken_at_the_next_use_whatever_was_wrong(self, bad: str | None) -> None:
        secret = Secret(bad)
        token = Token("arn:secret", secret.read)
        with pytest.raises((TokenMissing, TokenRefused)):
            token.value()
        secret.text = GOOD
        assert token.value() == GOOD
        assert (token.value(), secret.read_again) == (GOOD, 2)


class TestViKey:
    def key(self, text: str) -> tuple[ViKey, Secret]:
        secret = Secret(text)
        return ViKey("arn:vi", secret.read), secret

    @pytest.mark.parametrize(
        ("text", "message"), [odd for odd in ODD.values() if "\ud83d" not in odd[0]], ids=lambda odd: repr(odd)[:20]
    )
    @pytest.mark.parametrize(
        ("name", "secret"),
        [
            ("secret_key", lambda odd: {"secret_key": odd, "organization_id": "org"}),
            ("organization_id", lambda odd: {"secret_key": "dtvi_1", "organization_id": odd}),
        ],
    )
    def test_a_character_that_no_key_has_is_refused_by_its_place(
        self, text: str, message: str, name: str, secret: Callable[[str], dict[str, str]]
    ) -> None:
        with pytest.raises(KeyRefused) as refusal:
            self.key(json.dumps(secret(text)))[0].value()
        assert f"of {name}, {message}" in str(refusal.value)
        assert "good" not in str(refusal.value).replace("dtvi_…", "")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("\ufeff" + VI, "character 1 is U+FEFF"),
            (VI.replace('"', "”"), "character 2 is U+201D"),
            (VI[:-3], "JSON. "),
        ],
    )
    def test_the_error_of_invalid_json_names_the_character(self, text: str, message: str) -> None:
        with pytest.raises(KeyMissing) as refusal:
            self.key(text)[0].value()
        assert message in str(refusal.value)
        assert "good" not in str(refusal.value)

    @pytest.mark.parametrize("bad", ["", "{}", "\ufeff" + VI, VI.replace("_good", "_\u200bgood")])
    def test_a_corrected_secret_is_taken_at_the_next_use_whatever_was_wrong(self, bad: str) -> None:
        key, secret = self.key(bad)
        with pytest.raises((KeyMissing, KeyRefused)):
            key.value()
        secret.text = VI
        assert key.value() == ViCredentials("dtvi_good", "org")
