from django.urls import path

from recordings import views

app_name = "recordings"
urlpatterns = [
    path("recordings/<uuid:pk>/audio/", views.recording_audio, name="audio"),
]
