from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("accounts/", views.account_list, name="account_list"),
    path("accounts/<uuid:pk>/", views.account_detail, name="account_detail"),
    path("accounts/<uuid:pk>/procedures/", views.procedures_fragment, name="procedures_fragment"),
    path("accounts/<uuid:pk>/procedures/upload/", views.procedures_upload, name="procedures_upload"),
    path("accounts/<uuid:pk>/procedures/<uuid:document>/retry/", views.procedures_retry, name="procedures_retry"),
    path("accounts/<uuid:pk>/procedures/<uuid:document>/confirm/", views.procedures_confirm, name="procedures_confirm"),
    path("account/email/", views.email_change, name="email_change"),
    path("account/email/confirm/<str:token>/", views.email_confirm, name="email_confirm"),
    path("account/notices/", views.email_notifications, name="email_notifications"),
]
