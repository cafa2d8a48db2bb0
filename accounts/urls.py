from django.urls import path

from accounts import views
from accounts.center import accounts, cohorts, integrations, invitations, people, settings

app_name = "accounts"
urlpatterns = [
    path("center/", settings.center, name="center"),
    path("center/people/", invitations.people, name="people"),
    path("center/people/<uuid:pk>/", people.person, name="person"),
    path("center/people/<uuid:pk>/deactivate/", people.person_deactivate, name="person_deactivate"),
    path("center/people/<uuid:pk>/reactivate/", people.person_reactivate, name="person_reactivate"),
    path("center/invitations/<uuid:pk>/resend/", invitations.invitation_resend, name="invitation_resend"),
    path("center/invitations/<uuid:pk>/revoke/", invitations.invitation_revoke, name="invitation_revoke"),
    path("center/cohorts/", cohorts.cohort_list, name="cohort_list"),
    path("center/cohorts/<uuid:pk>/", cohorts.cohort_detail, name="cohort_detail"),
    path("center/cohorts/<uuid:pk>/add/", cohorts.cohort_add, name="cohort_add"),
    path("center/cohorts/<uuid:pk>/remove/", cohorts.cohort_remove, name="cohort_remove"),
    path("center/cohorts/<uuid:pk>/delete/", cohorts.cohort_delete, name="cohort_delete"),
    path("center/integrations/", integrations.integrations, name="integrations"),
    path("center/integrations/tokens/new/", integrations.token_new, name="token_new"),
    path("center/integrations/tokens/<uuid:pk>/revoke/", integrations.token_revoke, name="token_revoke"),
    path("center/integrations/webhooks/new/", integrations.webhook_new, name="webhook_new"),
    path("center/integrations/webhooks/<uuid:pk>/", integrations.webhook_detail, name="webhook_detail"),
    path("center/integrations/webhooks/<uuid:pk>/delete/", integrations.webhook_delete, name="webhook_delete"),
    path("accounts/", views.account_list, name="account_list"),
    path("accounts/new/", accounts.account_new, name="account_new"),
    path("accounts/<uuid:pk>/", views.account_detail, name="account_detail"),
    path("accounts/<uuid:pk>/edit/", accounts.account_edit, name="account_edit"),
    path("accounts/<uuid:pk>/procedures/", views.procedures_fragment, name="procedures_fragment"),
    path("accounts/<uuid:pk>/procedures/upload/", views.procedures_upload, name="procedures_upload"),
    path("accounts/<uuid:pk>/procedures/<uuid:document>/retry/", views.procedures_retry, name="procedures_retry"),
    path("accounts/<uuid:pk>/procedures/<uuid:document>/confirm/", views.procedures_confirm, name="procedures_confirm"),
    path("accounts/<uuid:pk>/procedures/<uuid:document>/changes/", views.procedure_changes, name="procedure_changes"),
    path("accounts/<uuid:pk>/sections/<int:section>/", views.procedure_section, name="procedure_section"),
    path("invitation/<str:secret>/", invitations.invitation_accept, name="invitation_accept"),
    path("account/email/", views.email_change, name="email_change"),
    path("account/email/confirm/<str:token>/", views.email_confirm, name="email_confirm"),
    path("account/notices/", views.email_notifications, name="email_notifications"),
]
