"""Base admin classes that limit lists, choices, and actions to one organization's rows."""

from django import forms
from django.apps import apps
from django.contrib import admin
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

admin.site.site_header = "Steadyline"
admin.site.site_title = "Steadyline"
admin.site.index_title = _("Administration")


# Lookups that Django's list filters use, besides plain equality.
_FILTER_LOOKUPS = ("exact", "isnull", "gte", "lt", "id__exact", "pk__exact")


def _filter_lookup(lookup):
    """Return the field of a lookup that Django's filters use, such as `due_date` for `due_date__gte`."""
    found = [lookup.removesuffix(f"__{name}") for name in _FILTER_LOOKUPS if lookup.endswith(f"__{name}")]
    return min(found, key=len, default=lookup)


def _without_names(nested, names):
    """Return a nested list of texts without those that begin with one of `names`, and without empty lists."""
    kept = [_without_names(one, names) if isinstance(one, list) else one for one in nested]
    return [one for one in kept if one and not (isinstance(one, str) and one.startswith(names))]


class TenantForm(forms.ModelForm):
    """Model form that puts new rows into the user's organization before validation."""

    organization_id = None

    def __init__(self, *args, **kwargs):
        # The admin adds the suffix to labels of read-only fields without the form renderer, which drops it elsewhere.
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        if self.instance._state.adding:
            self.instance.organization_id = self.organization_id

    def _get_validation_exclusions(self):
        """Return the exclusions without `organization` and `status`, so that constraints on hidden fields are checked.

        Without that check, the database would reject the row, and the user would get an error page.
        """
        return super()._get_validation_exclusions() - {"organization", "status"}  # type: ignore[misc]


class TenantAdmin(admin.ModelAdmin):
    """Admin limited to one organization's rows in lists, choices, and actions."""

    form = TenantForm

    def get_queryset(self, request):
        return self.model.objects.for_user(request.user)

    def lookup_allowed(self, lookup, value, request):
        """Allow only what the filters of the list use.

        Django allows every lookup on the model's own fields. With `__startswith`, people could find out the values of
        fields that no page shows them, and a `__regex` can keep the database busy for minutes.
        """
        fields, parameters = self._list_filter_names(request)
        is_filtered = lookup in parameters or _filter_lookup(lookup) in fields
        return is_filtered and super().lookup_allowed(lookup, value, request)

    def _list_filter_names(self, request):
        """Return the fields of the list's filters, and the parameters of the filters that we wrote."""
        named = [one[0] if isinstance(one, list | tuple) else one for one in self.get_list_filter(request)]
        fields = {one for one in named if isinstance(one, str)}
        own = (one for one in named if isinstance(one, type) and issubclass(one, admin.SimpleListFilter))
        return fields, {one.parameter_name for one in own}

    def get_deleted_objects(self, objs, request):
        """Leave out rows that only link two others: they have no names, and the summary counts them."""
        to_delete, *others = super().get_deleted_objects(objs, request)
        links = [model._meta for model in apps.get_models(include_auto_created=True) if model._meta.auto_created]
        names = tuple(f"{capfirst(meta.verbose_name)}: " for meta in links)
        return _without_names(to_delete, names), *others

    def get_changeform_initial_data(self, request):
        """Ignore values in the URL: none of our pages links to a form with values, and Django fails on invalid ones."""
        return {}

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        kwargs.setdefault("queryset", _tenant_choices(db_field, request.user))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field, request, **kwargs):
        kwargs.setdefault("queryset", _tenant_choices(db_field, request.user))
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def get_form(self, request, obj=None, change=False, **kwargs):
        form = super().get_form(request, obj, change=change, **kwargs)
        # Setting a class attribute is safe: Django builds a new form class for each request.
        form.organization_id = request.user.organization_id  # type: ignore[attr-defined]
        return form


class UnchangingAdminMixin:
    """Administration of rows that are neither changed nor deleted there."""

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


class ReadOnlyAdminMixin(UnchangingAdminMixin):
    """Administration of rows that other parts of the product create, and that are only read there."""

    can_delete = False

    def has_add_permission(self, request, obj=None):
        return False


def _tenant_choices(db_field, user):
    """Return the related rows that the user may choose. A model without `for_user` offers none."""
    manager = db_field.remote_field.model._default_manager
    return manager.for_user(user) if hasattr(manager, "for_user") else manager.none()
