from evaluation.models.criteria import CriterionResult
from evaluation.models.documentation import DocumentationReview, DocumentationReviewQuerySet, Guidelines
from evaluation.models.evaluations import Evaluation, EvaluationQuerySet
from evaluation.models.flags import Dispute, DisputeQuerySet, Flag, FlagHandling, FlagQuerySet
from evaluation.models.reviews import REVIEW_VERDICTS, Comment, CommentQuerySet, Review
from evaluation.models.scans import Scan
from evaluation.models.weekly_tallies import Tally

__all__ = [
    "REVIEW_VERDICTS",
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
    "FlagHandling",
    "Review",
    "Scan",
    "Tally",
]
