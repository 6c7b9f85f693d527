"""The feeds of the catalogue, and unknown names."""

import json

import pytest

from assetline.safetyculture.catalogue import CATALOGUE
from tests.cli.account import Account, Run


def test_every_feed_is_listed_with_its_parameters(account: Account, assetline: Run) -> None:
    lines = [line.split("\t") for line in assetline("feeds").stdout.splitlines()]
    assert [line[0] for line in lines] == [*CATALOGUE]
    inspections = next(line for line in lines if line[0] == "inspections")
    assert inspections[1:3] == [
        "id",
        "archived, completed, modified_after, modified_before, template, web_report_link",
    ]


def test_a_feed_is_described(account: Account, assetline: Run) -> None:
    lines = assetline("feeds", "list", "issue_relations").stdout.splitlines()
    assert "Rows per page: at most 100" in lines
    assert "  created_after: a time with its offset, such as 2026-01-31T00:00:00Z" in lines


def test_as_json_a_feed_has_its_kinds(account: Account, assetline: Run) -> None:
    feed = json.loads(assetline("feeds", "list", "inspections", "--json").stdout)
    assert feed["parameters"]["archived"] == "one of true, false, both"
    assert feed["since_last"] is True


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["exports", "start", "asets"], "Did you mean assets?"),
        (["exports", "start", "assets", "usrs"], "Did you mean users?"),
        (["exports", "start", "nothing_like_it_at_all"], "No feed 'nothing_like_it_at_all'. `assetline feeds`"),
        (["exports", "start", "assets", "--param", "archived=both"], "does not take the parameter 'archived'"),
        (["exports", "start", "inspections", "--param", "archived=maybe"], "one of true, false, both"),
        (["exports", "start", "issue_relations", "--page-size", "500"], "from 1 to 100"),
        (["exports", "start", "assets", "--since", "last"], "has no filter for changes"),
        (["exports", "list", "--feed", "asets"], "Did you mean assets?"),
        (["exports", "list", "--state", "bogus"], "The states are running, complete, partial, failed."),
        (["feeds", "list", "asets"], "Did you mean assets?"),
    ],
)
def test_a_wrong_word_is_refused_before_anything_starts(
    account: Account, assetline: Run, words: list[str], message: str
) -> None:
    ended = assetline(*words)
    assert ended.exit_code == 2
    assert message in " ".join(ended.stderr.replace("│", " ").split())
    assert account.started == []
