from rest_framework.permissions import DjangoModelPermissions


class RolePermission(DjangoModelPermissions):
    """What a person's role may do with the view's model, reading included: see `accounts.backends`."""

    perms_map = DjangoModelPermissions.perms_map | dict.fromkeys(
        ("GET", "HEAD", "OPTIONS"), ["%(app_label)s.view_%(model_name)s"]
    )


class AskPermission(RolePermission):
    """For a POST that only asks: whoever may read."""

    perms_map = RolePermission.perms_map | {"POST": RolePermission.perms_map["GET"]}


class ChangePermission(RolePermission):
    """For a POST that sets something going on a row that is there: whoever may change it."""

    perms_map = RolePermission.perms_map | {"POST": RolePermission.perms_map["PATCH"]}
