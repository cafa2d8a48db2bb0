"""Prose of an evaluator context, cut where it turns from the caller to the counselor or from one task to the next."""

from dataclasses import replace

from ai.bounded_patterns import BoundedPattern
from scenarios.linting.context_sections import ContextNode
from scenarios.linting.context_wording import SectionKind, Wording, addresses_counselor, classify_heading, judge_line

_SENTENCE = BoundedPattern(r"(?:[^.!?\n]|[.!?](?!\s))++[.!?\"”’)]*+")
_LABEL = BoundedPattern(r"([A-Za-z][\w /&'’()-]{1,60}):\s+(?=\S)")


def split_prose(unit: ContextNode) -> list[ContextNode]:
    """Return a paragraph as one part for each subject and task. A paragraph with one subject stays whole.

    Sentences about the caller are separated from the counselor's tasks, and tasks that semicolons separate from each
    other.
    """
    return [task for part in split_subjects(unit) for task in _split_tasks(part)]


def split_subjects(unit: ContextNode) -> list[ContextNode]:
    """Separate sentences about the caller from the counselor's tasks, and split tasks that name the counselor."""
    sentences = [found[0].strip() for found in _SENTENCE.finditer(unit.text) if found[0].strip()]
    wordings = [_judge(sentence) for sentence in sentences]
    has_duties = sum(map(addresses_counselor, sentences)) > 1
    if not {Wording.ACTION, Wording.FACT} <= set(wordings) and not has_duties:
        return [unit]
    groups: list[tuple[Wording, str]] = []
    for sentence, wording in zip(sentences, wordings, strict=True):
        # Each “The counselor should …” is a task of its own.
        is_next_duty = has_duties and addresses_counselor(sentence)
        if groups and wording in {Wording.UNCLEAR, groups[-1][0]} and not is_next_duty:
            groups[-1] = (groups[-1][0], f"{groups[-1][1]} {sentence}")
        else:
            groups.append((wording, sentence))
    return [replace(unit, text=text) for _wording, text in groups]


def _split_tasks(unit: ContextNode) -> list[ContextNode]:
    """Split “Asks about suicide; makes a plan”. A label such as “Do not” is repeated for each task."""
    label = _LABEL.match(unit.text)
    kind = classify_heading(label[1]) if label else None
    if label and kind is not SectionKind.CRITERIA:
        label = None
    body = unit.text[label.end() :] if label else unit.text
    tasks = [task.strip() for task in body.split(";") if task.strip()]
    is_list = len(tasks) > 1 and (label is not None or all(judge_line(task) is Wording.ACTION for task in tasks))
    return [replace(unit, text=f"{label[0] if label else ''}{task}") for task in tasks] if is_list else [unit]


def _judge(sentence: str) -> Wording:
    """Classify a sentence by its label, such as “Goals: …”, or else by its wording."""
    label = _LABEL.match(sentence)
    kind = classify_heading(label[1]) if label else None
    if kind is None:
        return judge_line(sentence)
    return Wording.ACTION if kind is SectionKind.CRITERIA else Wording.FACT
