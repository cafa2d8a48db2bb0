"""API for the agreement between the evaluator and people."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.integrations.scopes import CLOSED, token_scope
from accounts.web.requests import authenticated_user
from evaluation.models import Evaluation
from evaluation.reports.evaluator_report import list_agreement


class AgreementRowSerializer(serializers.Serializer[Any]):
    key = serializers.CharField(help_text=gettext_lazy("Key of the criterion. Empty for all criteria together."))
    name = serializers.CharField()
    reviews = serializers.IntegerField(source="agreement.n")
    agree = serializers.FloatField(source="agreement.raw", help_text=gettext_lazy("Share of equal verdicts, 0 to 1."))
    kappa = serializers.FloatField(
        source="agreement.kappa",
        allow_null=True,
        help_text=gettext_lazy("Cohen’s kappa, at most 1. Null with too few reviews, or if every verdict is the same."),
    )
    kappa_low = serializers.FloatField(
        source="agreement.low", allow_null=True, help_text=gettext_lazy("Lower end of the 95% interval of kappa.")
    )
    kappa_high = serializers.FloatField(
        source="agreement.high", allow_null=True, help_text=gettext_lazy("Upper end of the interval.")
    )
    is_too_few = serializers.BooleanField(
        source="agreement.is_too_few", help_text=gettext_lazy("Whether there are too few reviews to show kappa.")
    )
    met = serializers.FloatField(
        source="agreement.base_rate", help_text=gettext_lazy("Share of people’s verdicts that are “met”, 0 to 1.")
    )


class AgreementSerializer(serializers.Serializer[Any]):
    min_reviews = serializers.IntegerField(help_text=gettext_lazy("Number of reviews needed to show kappa."))
    criteria = AgreementRowSerializer(many=True, help_text=gettext_lazy("Lowest kappa first."))
    all = AgreementRowSerializer(allow_null=True, help_text=gettext_lazy("Null if nothing has been reviewed."))


@extend_schema(responses=AgreementSerializer)
@token_scope(CLOSED)
@api_view(["GET", "HEAD"])
def agreement(request: Request) -> Response:
    """Return how closely the evaluator and your organization's own people agree, by criterion."""
    user = authenticated_user(request)
    if not user.has_perm("evaluation.add_review"):
        raise PermissionDenied(_("You don’t have permission to see this."))
    needed = user.organization.agreement_min_reviews
    rows = list_agreement(Evaluation.objects.for_user(user).graded(), needed)
    table = {
        "min_reviews": needed,
        "criteria": rows[:-1],
        "all": rows[-1] if rows else None,
    }
    return Response(AgreementSerializer(table).data)
