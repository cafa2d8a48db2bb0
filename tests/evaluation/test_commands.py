import csv
import io
import json
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from evaluation.grading.rubric import general_checks
from evaluation.models import Evaluation
from evaluation.reports.labeled_transcripts import LabelFileError, read_labeled_transcripts
from evaluation.services.grading import grade_evaluation
from evaluation.services.reviews import record_review
from tests.evaluation.test_grading import RESPONSES_ENDPOINT
from tests.support.fixtures import client_of

GOLDEN = settings.BASE_DIR / "fixtures" / "golden" / "transcripts.json"
KNOWN_KEYS = {check.key for check in general_checks(has_procedures=False)} | {f"scenario_{n}" for n in range(1, 21)}
ONE_TRANSCRIPT = {
    "id": "one",
    "turns": [{"speaker": "caller", "text": "hi"}, {"speaker": "counselor", "text": "Hello, my name is Sam."}],
    "labels": {"greeting": "met", "reflection": "not_met"},
}


def command_output(*args) -> str:
    output = io.StringIO()
    call_command(*args, stdout=output)
    return output.getvalue()


def test_golden_set_has_at_least_twenty_transcripts_with_both_labels():
    transcripts = read_labeled_transcripts(GOLDEN.read_bytes(), KNOWN_KEYS)

    assert len(transcripts) >= 20
    labels = [pair for one in transcripts for pair in one.labels.items()]
    for criterion in ("takes_up_disclosure", "no_leading_negative", "no_method_information", "no_abandonment"):
        assert {verdict for key, verdict in labels if key == criterion} >= {"met", "not_met"}
    assert len({one.id for one in transcripts}) == len(transcripts)


def test_grade_transcripts_prints_agreement_for_golden_set(db, standin, tmp_path):
    output = command_output("grade_transcripts", str(GOLDEN), "--json", str(tmp_path / "verdicts.json"))

    assert "night shift, leading negative: F" in output
    table = output[output.index("criterion") :]
    assert "no_leading_negative" in table and "All criteria" in table
    verdicts = json.loads((tmp_path / "verdicts.json").read_text())
    assert len(verdicts) == len(read_labeled_transcripts(GOLDEN.read_bytes(), KNOWN_KEYS))
    assert Evaluation.objects.count() == 0


def test_read_labeled_transcripts_accepts_csv_and_json(tmp_path):
    sheet = io.StringIO()
    writer = csv.DictWriter(sheet, ["id", "transcript", "greeting", "reflection", "warmth"])
    writer.writeheader()
    writer.writerow(
        {
            "id": "one",
            "transcript": "Caller: hi\nCounselor: Hello, my name is Sam.",
            "greeting": "met",
            "reflection": " not_met ",
            "warmth": "",
        }
    )

    from_csv = read_labeled_transcripts(sheet.getvalue().encode(), KNOWN_KEYS, is_csv=True)

    assert from_csv == read_labeled_transcripts(json.dumps([ONE_TRANSCRIPT]).encode(), KNOWN_KEYS)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff", "The file is not UTF-8 text."),
        (b"{", "The file is not valid JSON"),
        (b"{}", "The file must be a list of transcripts."),
        (b"[]", "The file contains no transcripts."),
        (json.dumps([{"id": 1}]).encode(), "Transcript 1: `turns` and `labels` are required."),
        (
            json.dumps([ONE_TRANSCRIPT | {"labels": {"greting": "met"}}]).encode(),
            "Transcript 1: unknown criterion “greting”.",
        ),
        (
            json.dumps([ONE_TRANSCRIPT, ONE_TRANSCRIPT | {"labels": {"greeting": "yes"}}]).encode(),
            "Transcript 2, greeting: “yes” is not one of",
        ),
        (
            json.dumps([ONE_TRANSCRIPT | {"turns": [{"speaker": "me", "text": "x"}]}]).encode(),
            "Transcript 1, turn 1: `speaker`",
        ),
        (
            json.dumps([ONE_TRANSCRIPT | {"turns": ONE_TRANSCRIPT["turns"][:1]}]).encode(),
            "Transcript 1 is too short to grade.",
        ),
    ],
)
def test_read_labeled_transcripts_reports_place_and_cause_of_error(content, message):
    with pytest.raises(LabelFileError, match=message.replace("(", r"\(")):
        read_labeled_transcripts(content, KNOWN_KEYS)


def test_read_labeled_transcripts_reports_missing_columns():
    with pytest.raises(LabelFileError, match="Missing columns: id, transcript"):
        read_labeled_transcripts(b"a,b\n1,2\n", KNOWN_KEYS, is_csv=True)


def test_grade_transcripts_fails_with_message_if_unreadable_or_ungraded(db, standin, tmp_path):
    with pytest.raises(CommandError, match="Can't read"):
        command_output("grade_transcripts", str(tmp_path / "missing.json"))
    path = Path(tmp_path / "one.json")
    path.write_text(json.dumps([ONE_TRANSCRIPT]))
    standin.add_fault(RESPONSES_ENDPOINT, {"status": 400}, times=None)
    with pytest.raises(CommandError, match="1 of 1 transcripts could not be graded"):
        command_output("grade_transcripts", str(path))


def test_evaluator_report_prints_agreement_latency_tokens_and_failures(
    finished_chat, queued_evaluation, procedures, standin, supervisor
):
    grade_evaluation(queued_evaluation.pk)
    first, second = queued_evaluation.criteria.all()[:2]
    record_review(queued_evaluation, supervisor, "agree", "Yes.", first)
    record_review(queued_evaluation, supervisor, "overrule", "No.", second, "not_applicable")

    output = command_output("evaluator_report", "--organization", finished_chat.organization.name, "--days", "3")

    assert "1 completed" in output and "1 clean" in output
    assert "Latency with search" in output and "n = 1" in output
    assert first.key in output and "50%" in output
    page = client_of(supervisor).get("/reviews/agreement/").content.decode()
    assert first.check_text in page and "28 more reviews until a figure is shown" in page


def test_evaluator_report_without_reviews_prints_notice(db):
    output = command_output("evaluator_report")

    assert "No criterion has been reviewed by a person yet" in output
    with pytest.raises(CommandError, match="No organization is named “Nowhere”"):
        command_output("evaluator_report", "--organization", "Nowhere")


def test_agreement_page_without_reviews_explains_next_step(
    supervisor, stranger, finished_chat, queued_evaluation, standin
):
    grade_evaluation(queued_evaluation.pk)
    record_review(queued_evaluation, supervisor, "agree", "Yes.", queued_evaluation.criteria.first())

    assert "No criteria have been reviewed yet" in client_of(stranger).get("/reviews/agreement/").content.decode()
