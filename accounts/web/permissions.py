"""API permissions by role."""

from rest_framework.permissions import DjangoModelPermissions


class RolePermission(DjangoModelPermissions):
    """Permissions of the user's role on the view's model, including reading. See `accounts.backends`."""

    perms_map = DjangoModelPermissions.perms_map | dict.fromkeys(
        ("GET", "HEAD", "OPTIONS"), ["%(app_label)s.view_%(model_name)s"]
    )


class ViewPermission(RolePermission):
    """Permission for a POST that only reads: the role must be able to view the model."""

    perms_map = RolePermission.perms_map | {"POST": RolePermission.perms_map["GET"]}


class ChangePermission(RolePermission):
    """Permission for a POST that starts an action on an existing row: the role must be able to change it."""

    perms_map = RolePermission.perms_map | {"POST": RolePermission.perms_map["PATCH"]}
