from django.urls import path

from training import views

app_name = "training"
urlpatterns = [
    path("voice/free/", views.free_practice, {"mode": "phone"}, name="voice_free"),
    path("chat/free/", views.free_practice, {"mode": "chat"}, name="chat_free"),
    path("chat/begin/", views.chat_begin, name="chat_begin"),
    path("chat/<uuid:pk>/say/", views.chat_say, name="chat_say"),
    path("chat/<uuid:pk>/end/", views.chat_end, name="chat_end"),
    path("library/", views.library, name="library"),
    path("voice/trial/<uuid:pk>/", views.trial, {"mode": "phone"}, name="voice_trial"),
    path("chat/trial/<uuid:pk>/", views.trial, {"mode": "chat"}, name="chat_trial"),
    path("voice/<uuid:pk>/", views.practice, {"mode": "phone"}, name="voice"),
    path("chat/<uuid:pk>/", views.practice, {"mode": "chat"}, name="chat"),
]
