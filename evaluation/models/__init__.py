from evaluation.models.documentation import DocumentationReview, DocumentationReviewQuerySet, Guidelines
from evaluation.models.evaluations import CriterionResult, Evaluation, EvaluationQuerySet, Flag, Scan
from evaluation.models.reviews import NEW_VERDICTS, Comment, CommentQuerySet, Review

__all__ = [
    "NEW_VERDICTS",
    "Comment",
    "CommentQuerySet",
    "CriterionResult",
    "DocumentationReview",
    "DocumentationReviewQuerySet",
    "Evaluation",
    "EvaluationQuerySet",
    "Flag",
    "Guidelines",
    "Review",
    "Scan",
]
