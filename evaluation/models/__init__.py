from evaluation.models.documentation import DocumentationReview, DocumentationReviewQuerySet, Guidelines
from evaluation.models.evaluations import CriterionResult, Evaluation, EvaluationQuerySet, Scan
from evaluation.models.flags import Dispute, DisputeQuerySet, Flag, FlagQuerySet, Handling
from evaluation.models.reviews import NEW_VERDICTS, Comment, CommentQuerySet, Review
from evaluation.models.tallies import Tally

__all__ = [
    "NEW_VERDICTS",
    "Comment",
    "CommentQuerySet",
    "CriterionResult",
    "Dispute",
    "DisputeQuerySet",
    "DocumentationReview",
    "DocumentationReviewQuerySet",
    "Evaluation",
    "EvaluationQuerySet",
    "Flag",
    "FlagQuerySet",
    "Guidelines",
    "Handling",
    "Review",
    "Scan",
    "Tally",
]
