"""Chats that are held, ended, and graded by the stand-in."""

from evaluation.models import Evaluation
from evaluation.services.grading import grade_evaluation
from tests.support.fixtures import write_turns
from training.models import Session
from training.services.sessions import end_session

LEADING_NEGATIVE = "You're not thinking of killing yourself, are you?"


def graded_chat(session: Session, *texts: str) -> Evaluation:
    write_turns(session, "hi. i had a bad day", *texts)
    end_session(session, "hung_up")
    evaluation = session.evaluations.get()
    grade_evaluation(evaluation.pk)
    evaluation.refresh_from_db()
    return evaluation
