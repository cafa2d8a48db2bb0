from django.utils.translation import gettext_lazy as _
from django_filters import rest_framework as filters

from recordings.models import Recording


class RecordingFilter(filters.FilterSet):
    """Filters for the recording list. Dates are in the center's time zone. A range includes its first and last day."""

    counselor = filters.UUIDFilter(field_name="session__counselor_id", help_text=_("ID of a counselor."))
    scenario = filters.UUIDFilter(field_name="session__scenario_id", help_text=_("ID of a scenario."))
    state = filters.ChoiceFilter(choices=Recording.State.choices)
    date = filters.DateFilter(field_name="session__started_at__date")
    date_from = filters.DateFilter(field_name="session__started_at__date", lookup_expr="gte")
    date_to = filters.DateFilter(field_name="session__started_at__date", lookup_expr="lte")

    class Meta:
        model = Recording
        fields: list[str] = []
