from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from config import health
from evaluation import api as evaluation_api
from evaluation import views as evaluation_views
from recordings import views as recording_views
from training import api as training_api

# One way in, for the administration too.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns = [
    path("", evaluation_views.dashboard, name="dashboard"),
    path("sessions/", evaluation_views.history, name="history"),
    path("sessions/<uuid:pk>/", evaluation_views.session, name="session"),
    path("sessions/<uuid:pk>/feedback/", evaluation_views.feedback, name="session_feedback"),
    path("sessions/<uuid:pk>/recording/", evaluation_views.recording, name="session_recording"),
    path("recordings/<uuid:pk>/audio/", recording_views.audio, name="recording_audio"),
    path("training/", include("training.urls")),
    path("account/", include("allauth.account.urls")),
    path("admin/", admin.site.urls),
    path("api/sessions/", training_api.session_start, name="api-sessions"),
    path("api/sessions/<uuid:pk>/", training_api.session_detail, name="api-session"),
    path("api/sessions/<uuid:pk>/messages/", training_api.MessagesView.as_view(), name="api-messages"),
    path("api/sessions/<uuid:pk>/end/", training_api.session_end, name="api-end"),
    path("api/sessions/<uuid:pk>/ticket/", training_api.session_ticket, name="api-ticket"),
    path("api/assignments/one-time/", training_api.one_time, name="api-one-time"),
    path("api/sessions/<uuid:pk>/evaluation/", evaluation_api.evaluation, name="api-evaluation"),
    path("api/recordings/<uuid:pk>/download/", recording_views.download, name="api-recording-download"),
    path("api/schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="api-schema"), name="api-docs"),
    path("health/", health.health, name="health"),
    path("ready/", health.ready, name="ready"),
]
