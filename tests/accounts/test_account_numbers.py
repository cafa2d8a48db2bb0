import pytest

from accounts.procedures.account_numbers import AccountMatch, match_account, mentions_name, mentions_number

OTHER_NUMBERS = ["716", "718", "988", "2024", "12"]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("717", "Line 717"),
        ("717", "717"),
        ("717", "Account: 7 1 7."),
        ("717", "Account 7 1 7\n1.1 Greeting"),
        ("717", "Version 2\n7 1 7\n3 Ask"),
        ("717", "Account\n7\n1\n7\nHarbor"),
        ("717", "Account №\uff17\uff11\uff17"),
        ("717", "(717)"),
        ("717", "717, revised 2026"),
        ("717", "Account 00717"),
        ("717", "Accounts 716/717"),
        ("717", "717 / 716"),
        ("717", "716, 717, and 718"),
        ("717", "716-717"),
        ("717", "Procedures 717-2024"),
        ("717", "2024–717"),
        ("717", "Account 717\n2 Greeting"),
        ("717", "page 3 717 State Line"),
        ("717", "Acct717State"),
        ("717", "7-1-7"),
        ("717", "Account \u0667\u0661\u0667"),
        ("717", "Account 717-2024 and 555-717"),
        ("7170", "Accounts 716 7170"),
        ("717", "7\u200b17"),
        ("717", "\u200f717\u200f"),
        ("0717", "Account 717"),
        ("0", "Account 0"),
        ("A-12", "Account a-12"),
        ("A-12", "A-12-2024"),
        ("7 17", "Account 717"),
    ],
)
def test_mentions_number_finds_each_way_of_writing(number, text):
    assert mentions_number(text, number) is True


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("717", "1717"),
        ("717", "7170"),
        ("717", "71 72"),
        ("717", "7 1 7 5"),
        ("717", "2 7 1 7"),
        ("717", "May 7 17 people called"),
        ("717", "1-800-717-2000"),
        ("717", "(717) 555-0100"),
        ("717", "717-555-0100"),
        ("717", "+1 717 555 0100"),
        ("717", "(717) 5550100"),
        ("717", "555 717 0100"),
        ("717", "1-800-555-0717"),
        ("717", "extension 717"),
        ("717", "Ext. 717"),
        ("717", "USD 717"),
        ("717", "7-1-7-5"),
        ("717", "7.1.7 Greeting"),
        ("12", "Steps 1-2"),
        ("717", "1,717 calls"),
        ("717", "717.50"),
        ("717", "$717"),
        ("717", "717 %"),
        ("717", "page 717"),
        ("717", "3/717"),
        ("717", "Safety plan ........ 717"),
        ("717", "71x7"),
        ("A-12", "Account A-123"),
        ("", "Account 717"),
    ],
)
def test_mentions_number_ignores_other_digits(number, text):
    assert mentions_number(text, number) is False


def test_mentions_name_ignores_case_and_line_breaks():
    assert mentions_name("procedures of the HARBOR\nstate  line", "Harbor State Line") is True
    assert mentions_name("Harbor State Lines", "Harbor State Line") is False
    assert mentions_name("Harbor", "") is False


FILLER = "Be kind.\n" * 12


@pytest.mark.parametrize(
    ("pages", "match"),
    [
        (["Accounts 716/717"], (AccountMatch.FOUND, "")),
        (["Accounts\n716 Ridge Line\n717 Harbor Line"], (AccountMatch.FOUND, "")),
        (["Harbor State Line 717\nTransfer calls for account 718."], (AccountMatch.FOUND, "")),
        (["Manual", f"{FILLER}For account 717 only.\nOthers call account 718.\n{FILLER}"], (AccountMatch.FOUND, "")),
        (["Manual", f"{FILLER}Harbor 717\n{FILLER}"], (AccountMatch.FOUND, "")),
        (["", "Manual\n" + FILLER + "Page 2, account 717"], (AccountMatch.FOUND, "")),
        (["Ridge State Line, account no. 718"], (AccountMatch.OTHER, "718")),
        (["Ridge State Line 718\nProcedures"], (AccountMatch.OTHER, "718")),
        (["718/716"], (AccountMatch.OTHER, "718")),
        ([f"Manual\n{FILLER}Account 718 is answered here. Transfer calls for 717."], (AccountMatch.OTHER, "718")),
        (["Manual", "Ridge, account 718\nCall 717 for help"], (AccountMatch.OTHER, "718")),
        (["Account number: 988\nProcedures"], (AccountMatch.OTHER, "988")),
        (["Call 988 in an emergency.\nRevised 2024"], (AccountMatch.MISSING, "")),
        (["12 Referral\n1.2 Safety"], (AccountMatch.MISSING, "")),
        (["Crisis line procedures"], (AccountMatch.MISSING, "")),
        ([], (AccountMatch.MISSING, "")),
    ],
)
def test_match_account_follows_title_then_labels(pages, match):
    assert match_account(pages, "717", OTHER_NUMBERS) == match


def test_account_search_takes_linear_time():
    text = "7 1 " * 100_000 + "account " * 50_000 + " " * 100_000 + "717-" * 50_000

    assert match_account([text], "717", OTHER_NUMBERS)[0] is not None


@pytest.mark.parametrize(
    ("page", "match"),
    [
        ("Account 718 State Line\nThis replaces the manual of account 717\n", AccountMatch.OTHER),
        ("Account 718\nManual\nSee also account 717 for the evening line.", AccountMatch.OTHER),
        ("Account 718\nCalls are transferred to account 717 at night.", AccountMatch.OTHER),
        ("Account 717 State Line\nThis replaces the manual of account 718\n", AccountMatch.FOUND),
        ("Account 718\nThis supersedes last year’s guidelines of account 717\n", AccountMatch.OTHER),
        ("Procedures, not for account 718\nAccount 717", AccountMatch.FOUND),
        ("Account 718\nAccount 717\n", AccountMatch.FOUND),
    ],
)
def test_account_that_is_only_mentioned_does_not_decide(page, match):
    assert match_account([page], "717", ["718"])[0] is match


@pytest.mark.parametrize(
    "header",
    [
        "Procedures of account 717",
        "Manual of the account 717",
        "Guidelines of crisis line 717",
        "Document of client 717",
        "This manual belongs to account 717",
    ],
)
def test_running_header_is_not_a_mention(header):
    page = f"{header}\n{FILLER}Do a warm hand-off with account 718 staff.\n{FILLER}"

    assert match_account(["Crisis line", page], "717", ["718"])[0] is AccountMatch.FOUND
    assert match_account(["Crisis line", page], "718", ["717"]) == (AccountMatch.OTHER, "717")
