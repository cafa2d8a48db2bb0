"""Check of features that a center may have turned off."""

from django.utils.translation import gettext as _

from accounts.models import Feature, Organization


class FeatureOffError(Exception):
    """Use of a feature that the center has turned off. The message can be shown to users."""

    def __init__(self, feature: Feature) -> None:
        text = _("Your center has turned off “%(feature)s.” An administrator can turn it on in the center’s settings.")
        super().__init__(text % {"feature": feature.title})
        self.feature = feature


def require_feature(organization: Organization, feature: Feature) -> None:
    """Raise FeatureOffError if the organization has turned the feature off."""
    if not organization.has_feature(feature):
        raise FeatureOffError(feature)
