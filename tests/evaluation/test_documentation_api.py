from django.core.files.base import ContentFile

from evaluation.models import DocumentationReview
from evaluation.services.documentation_comparison import compare_documentation
from evaluation.services.grading import grade_evaluation
from tests.evaluation.docx_samples import docx, p
from tests.support.fixtures import client_of


def test_documentation_api_accepts_one_submission_and_compares_it(counselor, supervisor, queued_evaluation, standin):
    grade_evaluation(queued_evaluation.pk)
    client, path = client_of(counselor), f"/api/sessions/{queued_evaluation.session_id}/documentation/"
    text = b"The caller told of an exam. Asked about suicide."

    first = client.post(path, {"document": ContentFile(text, name="notes.txt")})
    second = client.post(path, {"document": ContentFile(text, name="notes.txt")})
    compare_documentation(DocumentationReview.objects.get().pk)

    assert (first.status_code, first["Location"], first.json()["status"]) == (202, path, "queued")
    assert (second.status_code, list(second.json()["fields"])) == (400, ["document"])
    report = client_of(supervisor).get(path).json()
    assert (report["status"], report["filename"]) == ("completed", "notes.txt")
    assert 0 <= report["overall"] <= 100
    assert client.post(f"{path}retry/").status_code == 200


def test_documentation_api_reports_rejected_file(counselor, queued_evaluation, standin):
    grade_evaluation(queued_evaluation.pk)

    response = client_of(counselor).post(
        f"/api/sessions/{queued_evaluation.session_id}/documentation/", {"document": ContentFile(b"", name="empty.txt")}
    )

    assert (response.status_code, list(response.json()["fields"])) == (400, ["document"])
    assert DocumentationReview.objects.count() == 0


def test_documentation_api_previews_what_is_read(counselor, queued_evaluation, standin):
    grade_evaluation(queued_evaluation.pk)
    client, path = client_of(counselor), f"/api/sessions/{queued_evaluation.session_id}/documentation/"
    content = docx(p("Asked about suicide.", '<w:r><w:drawing><a:blip r:embed="rId1"/></w:drawing></w:r>'))

    preview = client.post(path, {"document": ContentFile(content, name="notes.docx"), "preview": "true"})

    assert (preview.status_code, preview.json()) == (
        200,
        {"filename": "notes.docx", "text": "Asked about suicide.", "unread": ["1 picture was not read."]},
    )
    assert DocumentationReview.objects.count() == 0
    submitted = client.post(path, {"document": ContentFile(content, name="notes.docx")}).json()
    assert (submitted["text"], submitted["unread"]) == ("Asked about suicide.", ["1 picture was not read."])
