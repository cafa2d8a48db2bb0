from django.urls import path

from recordings.api import recordings

app_name = "recordings"
urlpatterns = [
    path("recordings/", recordings.RecordingListView.as_view(), name="recording_list"),
    path("recordings/<uuid:pk>/download/", recordings.recording_download, name="recording_download"),
    path("recordings/<uuid:pk>/link/", recordings.recording_link, name="recording_link"),
]
