"""Time taken to grade a long conversation and to upload a large document: `python -m benchmarks.evaluations`.

The product's own time is the duration of an evaluation minus the time spent waiting for the model.
"""

import io
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, TypedDict

TURNS = 200
PAGES = 200
GRADING_RUNS = 15
OWN_CHECKS = 12  # checks written for the scenario itself
MEGABYTES = 20  # size of the uploaded documents
CALLER = "I keep thinking about what my sister said, and then I lie awake until it gets light again."
COUNSELOR = "That sounds exhausting. What goes through your mind while you lie there in the dark?"


class GradingFigures(TypedDict):
    """Times to grade one conversation, measured over several runs."""

    turns: int
    pages: int  # of the manual
    criteria: int
    own_ms: float  # median of the time that was not spent waiting for the model
    own_ms_worst: float
    waited_ms: float  # median of the time spent waiting for the model


class UploadFigures(TypedDict):
    """Times of one upload."""

    kind: str  # file name extension
    mb: float  # size of the file
    sections: int
    answered_seconds: float  # until the upload was accepted
    ready_seconds: float  # from then until the document could be searched


def set_up(scratch: Path, openai_url: str) -> None:
    import django  # noqa: PLC0415  (settings read the environment prepared here)

    from config.launcher.environment import demo_environment, standin_environment  # noqa: PLC0415

    os.environ.update(demo_environment(scratch, 8000, 8001, {}) | standin_environment(openai_url, {}))
    django.setup()

    from django.core.management import call_command  # noqa: PLC0415

    call_command("migrate", verbosity=0)


def build_manual(pages: int) -> str:
    """Return a generated manual of `pages` pages of about 3 KB, each with one section."""
    parts = ["Line 717"]
    for page in range(1, pages + 1):
        sentence = (
            f"On page {page} counselors listen first, ask openly about point {page}, and never leave a caller alone. "
        )
        parts.append(f"{1000 + 10 * page} Point {page}\n" + (sentence * 28).strip())
    return "\n\n".join(parts)


class OpenAIWaitTimer:
    """Timer of the seconds spent waiting for OpenAI. It wraps httpx2.Client.send."""

    def __init__(self) -> None:
        import httpx2  # noqa: PLC0415

        self.seconds = 0.0
        send = httpx2.Client.send

        def timed(*args: Any, **kwargs: Any) -> Any:
            begun = time.perf_counter()
            try:
                return send(*args, **kwargs)
            finally:
                self.seconds += time.perf_counter() - begun

        httpx2.Client.send = timed  # type: ignore[method-assign]


def measure_grading() -> GradingFigures:
    from accounts.models import Account, Organization, User  # noqa: PLC0415
    from accounts.procedures.document_preparation import prepare_procedures  # noqa: PLC0415
    from accounts.procedures.uploads import upload_procedures  # noqa: PLC0415
    from evaluation.models import Evaluation  # noqa: PLC0415
    from evaluation.services.grading import grade_evaluation  # noqa: PLC0415
    from scenarios.models import Scenario  # noqa: PLC0415
    from scenarios.services.evaluator_contexts import write_evaluator_context  # noqa: PLC0415
    from training.models import TranscriptTurn  # noqa: PLC0415
    from training.services.assignments import assign  # noqa: PLC0415
    from training.services.session_start import start_assignment  # noqa: PLC0415
    from training.services.sessions import end_session  # noqa: PLC0415
    from training.services.turns import write_turn  # noqa: PLC0415

    center = Organization.objects.create(name="Measured")
    by = User.objects.create_user("s@example.org", organization=center, role=User.Role.SUPERVISOR)
    counselor = User.objects.create_user("c@example.org", organization=center)
    account = Account.objects.create(organization=center, name="Harbor State Line", number="717")
    prepare_procedures(upload_procedures(account, uploaded_file(build_manual(PAGES).encode()), by).pk)
    scenario = Scenario.objects.create(organization=center, account=account, title="Night", prompt="You.", mode="chat")
    write_evaluator_context(scenario, "\n".join(f"- Asks openly about point {number}." for number in range(OWN_CHECKS)))
    session = start_assignment(assign(scenario, counselor, by))[0]  # type: ignore[arg-type]
    for number in range(TURNS):
        role = TranscriptTurn.Role.COUNSELOR if number % 2 else TranscriptTurn.Role.CALLER
        write_turn(session, role, f"{COUNSELOR if number % 2 else CALLER} ({number})")
    end_session(session, "hung_up")

    timer, own_times, wait_times = OpenAIWaitTimer(), [], []
    for _ in range(GRADING_RUNS):
        evaluation, _ = Evaluation.objects.queue_for(session)
        timer.seconds, begun = 0.0, time.perf_counter()
        grade_evaluation(evaluation.pk)
        own_times.append(time.perf_counter() - begun - timer.seconds)
        wait_times.append(timer.seconds)
        evaluation.refresh_from_db()
        assert evaluation.status == "completed" and evaluation.used_file_search, evaluation.status
    return {
        "turns": TURNS,
        "pages": PAGES,
        "criteria": evaluation.criteria.count(),
        "own_ms": 1000 * statistics.median(own_times),
        "own_ms_worst": 1000 * max(own_times),
        "waited_ms": 1000 * statistics.median(wait_times),
    }


def measure_uploads() -> list[UploadFigures]:
    from accounts.models import Account, User  # noqa: PLC0415
    from accounts.procedures.document_preparation import prepare_procedures  # noqa: PLC0415
    from accounts.procedures.uploads import upload_procedures  # noqa: PLC0415

    account, by = Account.objects.get(), User.objects.get(email="s@example.org")
    runs: list[UploadFigures] = []
    for kind, content in {"md": build_text(), "pdf": build_pdf()}.items():
        begun = time.perf_counter()
        document = upload_procedures(account, uploaded_file(content, f"manual.{kind}"), by)
        answered = time.perf_counter()
        prepare_procedures(document.pk)
        ready = time.perf_counter()
        document.refresh_from_db()
        assert document.status == "ready", document.failure
        runs.append(
            {
                "kind": kind,
                "mb": len(content) / 1024**2,
                "sections": document.sections.count(),
                "answered_seconds": answered - begun,
                "ready_seconds": ready - answered,
            }
        )
    return runs


def build_text() -> bytes:
    text = build_manual(PAGES).encode()
    return (text * (MEGABYTES * 1024**2 // len(text) + 1))[: MEGABYTES * 1024**2]


def build_pdf() -> bytes:
    """Return the manual as a PDF of 20 MB, padded with an attachment, because most of a large PDF is not text."""
    from pypdf import PdfWriter  # noqa: PLC0415
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject  # noqa: PLC0415

    writer = PdfWriter()
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
        }
    )
    font_object = writer._add_object(font)
    for text in build_manual(PAGES).split("\n\n"):
        page = writer.add_blank_page(612, 792)
        lines = [line[start : start + 90] for line in text.split("\n") for start in range(0, len(line), 90)]
        drawing = " 0 -14 Td ".join(f"({line}) Tj" for line in lines)
        stream = DecodedStreamObject()
        stream.set_data(f"BT /F1 10 Tf 50 760 Td {drawing} ET".encode())
        page[NameObject("/Contents")] = writer._add_object(stream)
        fonts = DictionaryObject({NameObject("/F1"): font_object})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    bare = io.BytesIO()
    writer.write(bare)
    writer.add_attachment("pictures.bin", os.urandom(MEGABYTES * 1024**2 - len(bare.getvalue()) - 2_000))
    whole = io.BytesIO()
    writer.write(whole)
    return whole.getvalue()


def uploaded_file(content: bytes, name: str = "manual.md") -> Any:
    from django.core.files.uploadedfile import SimpleUploadedFile  # noqa: PLC0415

    return SimpleUploadedFile(name, content)


def main() -> None:
    from tests.standins.openai.standin_process import StandinProcess  # noqa: PLC0415

    options = ("--index-lag", "0", "--delta-pause", "0")
    with tempfile.TemporaryDirectory(prefix="steadyline-bench-") as scratch, StandinProcess(*options) as standin:
        set_up(Path(scratch), standin.base_url)
        print(json.dumps({"grading": measure_grading(), "uploads": measure_uploads()}))


if __name__ == "__main__":
    main()
