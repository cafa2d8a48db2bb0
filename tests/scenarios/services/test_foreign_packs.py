"""Packs as other systems and spreadsheets write them, from the file to the library."""

import io

import pytest

from scenarios.models import Category, ImportJob, Scenario, Skill
from scenarios.services.import_errors import accept_missing_categories, group_job_errors, list_missing_categories
from scenarios.services.import_writing import write_import
from scenarios.services.imports import ImportOptions, stage_import, start_import
from tests.scenarios.import_factories import list_outcomes, list_problems, make_row, stage_test_import
from tests.support.fixtures import add_scenario


def stage_csv(organization, text: str, encoding: str = "utf-8", **options) -> ImportJob:
    file = io.BytesIO(text.encode(encoding))
    return stage_import(organization, None, file, "pack.csv", ImportJob.ImportSource.PAGE, ImportOptions(**options))


def import_csv(organization, text: str, encoding: str = "utf-8") -> list[Scenario]:
    job = stage_csv(organization, text, encoding)
    assert start_import(job, queue=False), list_problems(job)
    write_import(job.pk)
    return list(Scenario.objects.order_by("title"))


@pytest.mark.parametrize(
    ("word", "mode"),
    [
        ("Phone (Voice)", "phone"),
        ("VOICE", "phone"),
        ("Telephone", "phone"),
        ("phone-call", "phone"),
        ("Text Chat", "chat"),
        ("sms", "chat"),
        ("Chat (web)", "chat"),
        ("Phone/Voice", "phone"),
        ("“Chat”", "chat"),
        ("Text message", "chat"),
        ("Text messaging", "chat"),
        ("Web-based chat", "chat"),
        ("Inbound call", "phone"),
        ("null", "phone"),
        ("\u200b", "phone"),
    ],
)
def test_other_words_for_mode_are_read(organization, word, mode):
    [scenario] = import_csv(organization, f"title,prompt,mode\nA,You.,{word}\n")

    assert scenario.mode == mode


@pytest.mark.parametrize(("word", "difficulty"), [("Easy", "beginner"), ("medium", "intermediate")])
def test_other_words_for_difficulty_are_read(organization, word, difficulty):
    [scenario] = import_csv(organization, f"title,prompt,difficulty\nA,You.,{word}\n")

    assert scenario.difficulty == difficulty


def test_spreadsheet_values_are_read(organization, account):
    text = "sep=;\ntitle;prompt;estimatedMinutes;Account ID;isActive;patience\nA;You.;20.0;717.0;Y;Patient\n"

    [scenario] = import_csv(organization, text)

    assert (scenario.estimated_minutes, scenario.account, scenario.is_active) == (20, account, True)
    assert scenario.patience == "patient"


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-8-sig"])
def test_other_encodings_are_read(organization, encoding):
    [scenario] = import_csv(organization, "title,prompt\nCafé,“You’re” alone – now.\n", encoding)

    assert (scenario.title, scenario.prompt) == ("Café", "“You’re” alone – now.")


def test_smart_quotes_around_cells_are_read(organization):
    [scenario] = import_csv(organization, "“title”,“prompt”\n“A, b”,“You are “Sam”.”\n".replace("“Sam”", "Sam"))

    assert (scenario.title, scenario.prompt) == ("A, b", "You are Sam.")


def test_null_fields_are_empty_and_unknown_account_id_is_named(organization):
    nothing = dict.fromkeys(["description", "category", "skills", "mode", "difficulty", "opens"])
    job = stage_test_import(organization, make_row(**nothing, accountId="8d1c", isOneTime=False))

    assert list_problems(job) == [("account", "There is no account “8d1c”. Enter its number or name.")]


@pytest.mark.parametrize("unseen", ["\u200b", "\ufeff", "\u00ad", "\u2060", "\u00a0", "\u200e \u3164"])
def test_title_that_looks_empty_is_refused(organization, unseen):
    assert list_outcomes(stage_test_import(organization, make_row(unseen), make_row(prompt=unseen))) == ["invalid"] * 2


def test_titles_that_look_alike_are_one_title(organization):
    add_scenario(organization, "Night\u200b shift")

    job = stage_test_import(organization, make_row("Night shift"), make_row("One"), make_row("O\u00adne\ufeff"))

    assert list_outcomes(job) == ["duplicate", "new", "duplicate"]


def test_missing_categories_are_offered_and_accepted(organization):
    rows = [make_row(f"Row {n}", category="New Hires" if n % 2 else "new_hires") for n in range(3)]
    job = stage_test_import(organization, *rows, make_row("Other", mode="letter"), make_row("row 1"))
    assert (list_outcomes(job), list_missing_categories(job)) == (["invalid"] * 4 + ["new"], ["new_hires"])

    accept_missing_categories(job)

    assert list_outcomes(job) == ["new", "duplicate", "new", "invalid", "new"]
    assert (job.invalid, job.to_write, job.new_categories, job.creates_categories) == (1, 3, ["new_hires"], True)
    ImportJob.objects.update(is_partial=True)
    job.refresh_from_db()
    assert start_import(job, queue=False)
    write_import(job.pk)
    assert Category.objects.filter(organization=organization, name="new_hires").count() == 1
    assert Scenario.objects.filter(category__name="new_hires").count() == 2


def test_equal_problems_are_one_group_with_its_rows(organization):
    rows = [make_row(f"Row {number}", category="nowhere") for number in range(25)]
    job = stage_test_import(organization, *rows, make_row("Wrong", mode="letter"))

    first, second = group_job_errors(job)

    assert (first.field, first.count, first.rows, second.rows) == ("category", 25, list(range(1, 26)), [26])
    assert first.listed_rows.endswith(", 19, 20, …")


@pytest.mark.parametrize(
    ("word", "is_active"), [("WAHR", True), ("FALSCH", False), ("VERDADERO", True), ("Faux", False)]
)
def test_true_and_false_in_the_language_of_the_spreadsheet(organization, word, is_active):
    [scenario] = import_csv(organization, f"title,prompt,is_active\nA,You.,{word}\n")

    assert scenario.is_active is is_active


def test_mode_that_names_both_is_refused(organization):
    job = stage_csv(organization, "title,prompt,mode\nA,You.,Phone/Chat\n")

    assert list_problems(job) != []


def test_row_that_looks_empty_is_skipped(organization):
    job = stage_csv(organization, "title,prompt\n\u00a0,\u200b\nA,You.\n\u3164,\n")

    assert (job.rows.count(), list_problems(job)) == (1, [])


@pytest.mark.parametrize("skills", ['"calm, listening"', "calm | listening", "calm; listening", '"Calm, LISTENING"'])
def test_skills_in_one_text_are_separated(organization, skills):
    for name in ("Calm", "Listening"):
        Skill.objects.create(organization=organization, name=name)

    [scenario] = import_csv(organization, f"title,prompt,skills\nA,You.,{skills}\n")

    assert sorted(scenario.skills.values_list("name", flat=True)) == ["Calm", "Listening"]


def test_skill_whose_name_has_a_comma_is_one_skill(organization):
    for name in ("Calm", "Calm, kind"):
        Skill.objects.create(organization=organization, name=name)

    [scenario] = import_csv(organization, 'title,prompt,skills\nA,You.,"Calm, kind"\n')

    assert list(scenario.skills.values_list("name", flat=True)) == ["Calm, kind"]


def test_unknown_skill_beside_a_known_one_is_named_alone(organization):
    Skill.objects.create(organization=organization, name="Calm")

    job = stage_csv(organization, 'title,prompt,skills\nA,You.,"calm, juggling"\n')

    [(field, message)] = list_problems(job)
    assert field == "skills"
    assert message.startswith("There is no skill “juggling”.")


def test_titles_with_unusual_spaces_are_one_title(organization):
    job = stage_csv(organization, "title,prompt\nNight\u00a0shift,You.\nNight shift,You.\nNight\u2009SHIFT,You.\n")

    assert list_outcomes(job) == ["new", "duplicate", "duplicate"]


@pytest.mark.parametrize(
    "header", ["Title*,Prompt*,Mode (phone/chat),Estimated Minutes (min)", "title:,prompt:,mode?,estimated-minutes"]
)
def test_header_with_remarks_is_read(organization, header):
    [scenario] = import_csv(organization, f"{header}\nA,You.,chat,15\n")

    assert (scenario.title, scenario.prompt, scenario.mode, scenario.estimated_minutes) == ("A", "You.", "chat", 15)


@pytest.mark.parametrize("word", ["none", "N/A", "\u200bnull"])
def test_word_for_none_means_no_skills(organization, word):
    [scenario] = import_csv(organization, f"title,prompt,skills\nA,You.,{word}\n")

    assert not scenario.skills.exists()


def test_skill_named_none_is_kept(organization):
    Skill.objects.create(organization=organization, name="None")

    [scenario] = import_csv(organization, "title,prompt,skills\nA,You.,None\n")

    assert [skill.name for skill in scenario.skills.all()] == ["None"]
