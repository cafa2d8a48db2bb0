"""Labels of our own forms and of library forms."""

import re

import pytest
from django import forms
from django.test import Client
from django.utils.safestring import mark_safe

from tests.support.fixtures import PASSWORD, client_of

LABELS = re.compile(r"<(label|legend)[^>]*>(.*?)</\1>", re.DOTALL)


class SampleForm(forms.Form):
    plain = forms.CharField(label="Name & number")
    with_colon = forms.CharField(label="Ends here:")
    question = forms.CharField(label="Why?")


def labels_in(html: str) -> list[str]:
    return [re.sub(r"<[^>]+>", "", label).strip() for _, label in LABELS.findall(html)]


def test_labels_have_no_colon_and_stay_escaped():
    form = SampleForm()

    assert labels_in(form.as_div()) == ["Name &amp; number", "Ends here", "Why?"]
    assert labels_in(form["plain"].label_tag(mark_safe("<b>Bold</b>"))) == ["Bold"]
    assert labels_in(form["plain"].label_tag("<b>")) == ["&lt;b&gt;"]
    assert labels_in(form["plain"].legend_tag()) == ["Name &amp; number"]


@pytest.mark.parametrize(
    ("path", "labels"),
    [
        ("/account/login/", ["Email", "Password"]),
        ("/account/password/reset/", ["Email"]),
    ],
)
def test_forms_of_login_library_have_no_colons(db, path, labels):
    page = Client().get(path).content.decode()

    assert labels_in(page) == labels
    assert "placeholder" not in page


def test_forms_behind_the_login_have_no_colons(admin):
    client = client_of(admin)
    asked_again = client.get("/account/password/change/", follow=True).content.decode()
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    readonly = f"/admin/accounts/organization/{admin.organization_id}/change/"
    pages = [readonly, f"/admin/accounts/user/{admin.pk}/password/", "/account/password/change/", "/account/email/"]
    found = {page: labels_in(client.get(page).content.decode()) for page in pages}

    assert labels_in(asked_again) == ["Current password", "New password", "New password again"]
    assert {page: [label for label in labels if label.endswith(":")] for page, labels in found.items()} == {
        page: [] for page in pages
    }
    assert all(found.values())
