"""What every admin here begins with: one organization's rows, in lists, in choices and in what actions may touch."""

from django import forms
from django.contrib import admin

admin.site.site_header = "Steadyline"
admin.site.site_title = "Steadyline"
admin.site.index_title = "Administration"


class ScopedForm(forms.ModelForm):
    """A form whose new rows belong to the organization of whoever fills it in, before anything is validated."""

    organization_id = None

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            self.instance.organization_id = self.organization_id

    def _get_validation_exclusions(self):
        """Check constraints over what the form does not show, too: else the database refuses with an error page."""
        return super()._get_validation_exclusions() - {"organization", "status"}  # type: ignore[misc]


class ScopedAdmin(admin.ModelAdmin):
    """An admin of one organization's rows: in lists, in choices and in what actions may touch."""

    form = ScopedForm

    def get_queryset(self, request):
        return self.model.objects.for_user(request.user)

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        kwargs.setdefault("queryset", _choices(db_field, request.user))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field, request, **kwargs):
        kwargs.setdefault("queryset", _choices(db_field, request.user))
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def get_form(self, request, obj=None, change=False, **kwargs):
        form = super().get_form(request, obj, change=change, **kwargs)
        # A class of its own for each request: Django has just made it.
        form.organization_id = request.user.organization_id  # type: ignore[attr-defined]
        return form


def _choices(db_field, user):
    """What this person may choose from. A model without `for_user` has nothing to be chosen."""
    manager = db_field.remote_field.model._default_manager
    return manager.for_user(user) if hasattr(manager, "for_user") else manager.none()
