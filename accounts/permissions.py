from rest_framework.permissions import DjangoModelPermissions


class RolePermission(DjangoModelPermissions):
    """What a person's role may do with the view's model, reading included: see `accounts.backends`."""

    perms_map = DjangoModelPermissions.perms_map | dict.fromkeys(
        ("GET", "HEAD", "OPTIONS"), ["%(app_label)s.view_%(model_name)s"]
    )
